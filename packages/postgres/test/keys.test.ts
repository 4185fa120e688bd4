import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { halves, Keys, sha256Key } from "../src/keys.js";
import { ownKeys, start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";
import { holdersOf } from "./subject.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

// Computed once by `printf 'coord\0invoice' | sha256sum`, of which the first 16 digits are the key.
const vectors = [
  ["coord", "invoice", "5821724602353726047"],
  ["coord", "Ünïcode 🔒", "6370749446162646621"],
  ["app", "x", "7991469027632295367"],
] as const;

describe("the key of a lock", () => {
  test.each(vectors)(
    "%s, %s is the one that the README says how to compute",
    async (space, name, key) => {
      expect(sha256Key(space, name)).toBe(BigInt(key));
      const [row] = await server.sql(
        `SELECT ('x' || left(encode(sha256(convert_to('${space}', 'UTF8') || '\\x00' || convert_to('${name}', 'UTF8')), 'hex'), 16))::bit(64)::bigint AS key`,
      );
      expect(row?.["key"]).toBe(key);
    },
  );

  test("is not that of who is at home in a namespace, whatever either is called", async () => {
    const url = server.url();
    const space = new URL(url).searchParams.get("namespace") ?? "";
    await start(url);
    const other = await start(url.replace(space, "home"));
    for (const name of [space, `home ${space}`]) {
      const hold = await other.getLock(name).acquire({ timeout: 5_000 });
      expect(hold.remaining()).toBeGreaterThan(0);
      await hold.release();
    }
  });

  test("is what the server has locked, in both halves", async () => {
    const url = server.url();
    const coordinator = await start(url);
    for (const name of ["a", "b", "c", "d"]) {
      const hold = await coordinator.getLock(name).acquire();
      expect(await server.sql(holdersOf(url, name))).toHaveLength(1);
      await hold.release();
      expect(await server.sql(holdersOf(url, name))).toHaveLength(0);
    }
    expect(halves(-1n)).toEqual([0xffff_ffffn, 0xffff_ffffn]);
  });

  test("is respected when others lock it by hand, and not confused with keys of two integers", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    const key = sha256Key(new URL(url).searchParams.get("namespace") ?? "", "x");
    const [classid, objid] = halves(key).map((half) => BigInt.asIntN(32, half));
    await server.sql(`SELECT pg_advisory_lock(${classid}, ${objid})`);
    await (await lock.acquire({ timeout: 0 })).release();
    await server.sql(`SELECT pg_advisory_lock(${key})`);
    await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({
      code: "COORD_BUSY",
      holders: [{ member: "unknown" }],
    });
    const next = lock.acquire();
    await server.sql(`SELECT pg_advisory_unlock(${key})`);
    await (await next).release();
  });

  test("may have another form", () => {
    const keys = new Keys("space", (namespace, name) => BigInt(namespace.length + name.length));
    expect(keys.of("name")).toBe(9n);
  });
});

describe("one session", () => {
  test("has one lock for all its readers, and one unlock frees it", async () => {
    const url = server.url();
    const coordinator = await start(url);
    const lock = coordinator.getLock("x");
    const holds = await Promise.all([1, 2, 3].map(() => lock.acquire({ shared: true })));
    expect(await server.sql(holdersOf(url, "x"))).toHaveLength(1);
    for (const hold of holds) {
      expect(await server.sql(holdersOf(url, "x"))).toHaveLength(1);
      await hold.release();
    }
    expect(await server.sql(holdersOf(url, "x"))).toHaveLength(0);
  });

  test("waits for 1,000 names with two connections, and looks after all of them together", async () => {
    const url = server.url();
    const patient = { ttl: 20_000 };
    const [holder, waiter] = [
      await start(url, patient),
      await start(url, { ...patient, agentId: "waits" }),
    ];
    const names = Array.from({ length: 1_000 }, (_, index) => `x${index}`);
    const holds = await Promise.all(names.map((name) => holder.getLock(name).acquire()));
    const waits = names.map((name) => waiter.getLock(name).acquire());
    const connections = `SELECT pid FROM pg_stat_activity WHERE application_name = 'waits'`;
    const inLine = `SELECT count(*)::int AS n FROM pg_locks WHERE mode = 'ShareLock' AND pid IN (${connections})`;
    await expect
      .poll(async () => (await server.sql(inLine))[0]?.["n"], { timeout: 15_000 })
      .toBe(1_000);
    expect(await server.sql(connections)).toHaveLength(2);
    await Promise.all(holds.map((hold) => hold.release()));
    for (const hold of await Promise.all(waits)) await hold.release();
    // Nothing is left but what the session itself has.
    const [left] = await server.sql(
      `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND pid IN (${connections})`,
    );
    expect(left?.["n"]).toBe(ownKeys);
  });
});
