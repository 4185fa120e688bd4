import { setTimeout as pause } from "node:timers/promises";
import "@coord/etcd";
import { ExponentialBackoff, handleType, retry } from "cockatiel";
import { Etcd3, EtcdLockFailedError, type IOptions } from "etcd3";
import type { Backend, Locker, Subject } from "../backend.js";
import { etcdServer } from "../etcd-server.js";
import { coord } from "./coord.js";
import { served } from "./served.js";

/** For as long as what is measured lasts, and longer than any wait. */
const longTtl = 600_000;

const floor: Subject = {
  name: "floor",
  how: "`etcd3` by hand, one lease, which it renews: a transaction that puts a key if there is none, then one that deletes it if it is ours; who waits tries again every 1 ms; no record of who holds, no loss",
  shortestTtl: 1_000,
  renewsEvery: longTtl / 3,
  open: async (address, { ttl = longTtl }) => openFloor(address, ttl),
};

async function openFloor(address: string, ttl: number): Promise<Locker> {
  const client = clientOf(address);
  const lease = await client.lease(ttl / 1_000).grant();
  const value = Buffer.from(String(process.pid));
  return {
    lock: (name) => {
      const key = Buffer.from(`floor/${name}`);
      const none = { target: "Create", result: "Equal", key, create_revision: "0" } as const;
      return async () => {
        for (;;) {
          const { succeeded, header } = await client.kv.txn({
            compare: [none],
            success: [{ request_put: { key, value, lease } }],
          });
          if (succeeded) {
            const ours = { ...none, create_revision: header.revision };
            const success = [{ request_delete_range: { key } }];
            return () => client.kv.txn({ compare: [ours], success });
          }
          await pause(1);
        }
      };
    },
    close: async () => client.close(),
  };
}

const peer: Subject = {
  name: "etcd3",
  how: "1.1.2, `client.lock(name)`, with a lease for each; it does not wait, so who waits tries again as `cockatiel` does by default, with which it retries calls: after 128 ms, then later and later; it renews by itself",
  shortestTtl: 1_000,
  renewsEvery: longTtl / 3,
  open: async (address, { ttl = longTtl }) => {
    const client = clientOf(address);
    const untilFree = retry(handleType(EtcdLockFailedError), {
      maxAttempts: Infinity,
      backoff: new ExponentialBackoff(),
    });
    return {
      lock: (name) => async () => {
        const lock = client.lock(`peer/${name}`).ttl(ttl / 1_000);
        await untilFree.execute(() => lock.acquire());
        return () => lock.release();
      },
      close: async () => client.close(),
    };
  },
};

/** A client with its defaults. */
function clientOf(address: string): Etcd3 {
  const hosts: IOptions["hosts"] = new URL(address).host;
  return new Etcd3({ hosts });
}

/** One member alone, which syncs to disk what it agrees on, as etcd does. */
export const etcd: Backend = {
  name: "etcd",
  subjects: [{ ...coord, shortestTtl: 1_000, renewsEvery: 1_000 }, floor, peer],
  inapplicable: {},
  setUp: () => served(etcdServer, (host) => `etcd://${host}`),
};
