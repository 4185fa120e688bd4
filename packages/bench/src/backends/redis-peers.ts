import { LockFactory } from "@verrou/core";
import { redisStore } from "@verrou/core/drivers/redis";
import { Redis } from "ioredis";
import { Mutex } from "redis-semaphore";
import Redlock from "redlock";
import type { Subject } from "../backend.js";

/** For as long as what is measured lasts, and longer than any wait. */
const longTtl = 60_000;

/** What npm has for Redis, with its defaults: all of them try again after a time. */
export const peers: readonly Subject[] = [
  {
    name: "verrou",
    how: "`@verrou/core` 0.5.2, `createLock(name, ttl)`; who waits tries again every 250 ms, its default; it renews nothing by itself",
    shortestTtl: 1_000,
    open: async (address, { ttl = longTtl }) => {
      const connection = clientOf(address);
      // Its types are those of ioredis 5, and are the same as far as it goes.
      const store = redisStore({ connection: connection as never });
      const locks = new LockFactory(store.factory(), { retry: { timeout: longTtl } });
      return {
        lock: (name) => async () => {
          const lock = locks.createLock(name, ttl);
          if (!(await lock.acquire())) throw new Error("verrou did not wait long enough");
          return () => lock.release();
        },
        close: async () => connection.disconnect(),
      };
    },
  },
  {
    name: "redlock",
    how: "4.2.0, one server; who waits tries again after 200 ms and up to 100 more, its default; it renews nothing by itself",
    shortestTtl: 1_000,
    open: async (address, { ttl = longTtl }) => {
      const connection = clientOf(address);
      const redlock = new Redlock([connection as never], { retryCount: -1 });
      redlock.on("clientError", () => {});
      return {
        lock: (name) => async () => {
          const lock = await redlock.acquire([name], ttl);
          return () => Promise.resolve(lock.unlock());
        },
        close: async () => connection.disconnect(),
      };
    },
  },
  {
    name: "redis-semaphore",
    how: "5.8.0, `Mutex`, which renews by itself; who waits tries again every 10 ms, its default",
    shortestTtl: 1_000,
    renewsEvery: longTtl * 0.8,
    open: async (address, { ttl = longTtl }) => {
      const connection = clientOf(address);
      const options = { lockTimeout: ttl, acquireTimeout: longTtl };
      return {
        lock: (name) => async () => {
          const mutex = new Mutex(connection, name, options);
          await mutex.acquire();
          return () => mutex.release();
        },
        close: async () => connection.disconnect(),
      };
    },
  },
];

/** A client with its defaults. */
export function clientOf(address: string): Redis {
  return new Redis(address, { replyMapping: "legacy" });
}
