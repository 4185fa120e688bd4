import { setTimeout as pause } from "node:timers/promises";
import "@coord/redis";
import type { Backend, Locker, Subject } from "../backend.js";
import { redisServer } from "../redis-server.js";
import { coord } from "./coord.js";
import { clientOf, peers } from "./redis-peers.js";
import { served } from "./served.js";

const compareAndDelete =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

const floor: Subject = {
  name: "floor",
  how: "`ioredis` by hand: `SET NX PX`, then a script that compares and deletes; who waits tries again every 1 ms; no token, no renewal, no loss",
  shortestTtl: 1_000,
  open: async (address, { ttl = 60_000 }) => openFloor(address, ttl),
};

async function openFloor(address: string, ttl: number): Promise<Locker> {
  const redis = clientOf(address);
  redis.defineCommand("compareAndDelete", { lua: compareAndDelete, numberOfKeys: 1 });
  const commands = redis as unknown as Record<
    "compareAndDelete",
    (key: string, value: string) => Promise<unknown>
  >;
  let turns = 0;
  return {
    lock: (name) => async () => {
      const value = `${process.pid}-${++turns}`;
      while (!(await redis.set(name, value, "PX", ttl, "NX"))) await pause(1);
      return () => commands.compareAndDelete(name, value);
    },
    close: async () => redis.disconnect(),
  };
}

/** One server, on which nothing is written to disk. */
export const redis: Backend = {
  name: "redis",
  subjects: [{ ...coord, shortestTtl: 1_000, renewsEvery: 1_000 }, floor, ...peers],
  inapplicable: {},
  setUp: () =>
    served(
      {
        ...redisServer,
        args: ({ port, folder }) => ["--port", String(port), "--dir", folder, "--save", ""],
      },
      (host) => `redis://${host}`,
    ),
};
