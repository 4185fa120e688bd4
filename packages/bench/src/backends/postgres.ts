import "@coord/postgres";
import knex from "knex";
import { LockFactory } from "@verrou/core";
import { knexStore } from "@verrou/core/drivers/knex";
import { Client } from "pg";
import type { Backend, Locker, Subject } from "../backend.js";
import { postgresServer } from "../postgres-server.js";
import { coord } from "./coord.js";
import { served } from "./served.js";

const floor: Subject = {
  name: "floor",
  how: "`pg` by hand, one connection: `pg_advisory_lock` and `pg_advisory_unlock` as prepared statements, pipelined; no token, no record of holders, no way to give up, no news of a loss",
  open: openFloor,
};

async function openFloor(address: string): Promise<Locker> {
  const client = new Client({ connectionString: address, pipeline: true } as object);
  await client.connect();
  const keys = new Map<string, number>();
  const ask = (text: string, key: number) => client.query({ name: text, text, values: [key] });
  return {
    lock: (name) => {
      const key = keys.get(name) ?? keyOf(name);
      keys.set(name, key);
      return async () => {
        await ask("SELECT pg_advisory_lock($1)", key);
        return () => ask("SELECT pg_advisory_unlock($1)", key);
      };
    },
    close: () => client.end(),
  };
}

/** Different for the few names that there are; the same in all processes. */
function keyOf(name: string): number {
  let key = 7;
  for (const character of name) key = (key * 31 + (character.codePointAt(0) ?? 0)) % 2 ** 31;
  return key;
}

const verrou: Subject = {
  name: "verrou",
  how: "`@verrou/core` 0.5.2 over `knex` 3.3.0: a table has the locks; who waits tries again every 1 ms, which is not its default; it renews nothing by itself",
  shortestTtl: 1_000,
  open: async (address, { ttl = 60_000 }) => {
    const connection = knex({ client: "pg", connection: address, pool: { min: 1, max: 10 } });
    const store = knexStore({ connection, autoCreateTable: true });
    const locks = new LockFactory(store.factory(), { retry: { delay: 1, timeout: 60_000 } });
    return {
      lock: (name) => async () => {
        const lock = locks.createLock(name, ttl);
        if (!(await lock.acquire())) throw new Error("verrou did not wait long enough");
        return () => lock.release();
      },
      close: () => connection.destroy(),
    };
  },
};

/** One server with its defaults: what it commits is on disk. */
export const postgres: Backend = {
  name: "postgres",
  subjects: [{ ...coord, renewsEvery: 1_000 }, floor, verrou],
  inapplicable: {},
  setUp: () =>
    served(postgresServer, (host) => `postgresql://postgres@${host}/postgres?sslmode=disable`),
};
