import { withTransaction } from "@coord/postgres";
import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
  await server.sql("CREATE TABLE done (what text)");
});
afterAll(() => server[Symbol.asyncDispose]());

async function client(): Promise<Client> {
  const made = await server.client();
  onTestFinished(() => made.end());
  return made;
}

function space(): { url: string; namespace: string } {
  const url = server.url();
  return { url, namespace: new URL(url).searchParams.get("namespace") ?? "" };
}

const settings =
  "SELECT current_setting('lock_timeout') AS l, current_setting('statement_timeout') AS s";

describe("withTransaction()", () => {
  test("commits what its body did, under the lock, with a token between those of coordinators", async () => {
    const { url, namespace } = space();
    const lock = (await start(url)).getLock("x");
    const before = await lock.acquire();
    const one = await client();
    const working = withTransaction(one, "x", { namespace, timeout: 10_000 }, async ({ token }) => {
      expect(await lock.tryAcquire()).toBeUndefined();
      await one.query("INSERT INTO done VALUES ('committed')");
      return token;
    });
    await before.release();
    const token = await working;
    expect(token).toBeGreaterThan(before.token);
    const after = await lock.acquire({ timeout: 5_000 });
    expect(after.token).toBeGreaterThan(token);
    await after.release();
    expect(await server.sql("SELECT * FROM done WHERE what = 'committed'")).toHaveLength(1);
  });

  test("rolls back what its body did before it threw, and throws that", async () => {
    const { url, namespace } = space();
    const one = await client();
    const error = new Error("of the body");
    const failed = withTransaction(one, "x", { namespace }, async () => {
      await one.query("INSERT INTO done VALUES ('rolled back')");
      throw error;
    });
    await expect(failed).rejects.toBe(error);
    expect(await server.sql("SELECT * FROM done WHERE what = 'rolled back'")).toHaveLength(0);
    await (await (await start(url)).getLock("x").acquire({ timeout: 0 })).release();
  });

  test("in a transaction of the user's holds it until that ends, and leaves it usable after a timeout, with its settings", async () => {
    const { url, namespace } = space();
    const lock = (await start(url)).getLock("x");
    const hold = await lock.acquire();
    const one = await client();
    await one.query("SET lock_timeout = '7s'");
    await one.query("BEGIN");
    await one.query("SET LOCAL statement_timeout = '9s'");
    await one.query("INSERT INTO done VALUES ('before')");
    for (const timeout of [0, 100]) {
      const startedAt = performance.now();
      const busy = withTransaction(one, "x", { namespace, timeout }, () => "never");
      await expect(busy).rejects.toMatchObject({ code: "COORD_BUSY" });
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(timeout - 1);
      expect((await one.query(settings)).rows).toEqual([{ l: "7s", s: "9s" }]);
    }
    await hold.release();
    const value = await withTransaction(one, "x", { namespace, timeout: 5_000 }, () => "value");
    expect(value).toBe("value");
    expect((await one.query(settings)).rows).toEqual([{ l: "7s", s: "9s" }]);
    expect(await lock.tryAcquire()).toBeUndefined();
    await one.query("COMMIT");
    expect((await one.query(settings)).rows).toEqual([{ l: "7s", s: "0" }]);
    expect(await server.sql("SELECT * FROM done WHERE what = 'before'")).toHaveLength(1);
    await (await lock.acquire({ timeout: 5_000 })).release();
  });

  test("waits for longer than the user's statement_timeout", async () => {
    const { url, namespace } = space();
    const hold = await (await start(url)).getLock("x").acquire();
    const one = await client();
    await one.query("SET statement_timeout = '50ms'");
    const working = withTransaction(one, "x", { namespace }, () => "served");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await hold.release();
    expect(await working).toBe("served");
    expect((await one.query(settings)).rows).toEqual([{ l: "0", s: "50ms" }]);
  });

  test("is shared with readers, waits behind a writer who is next, and leaves nothing of the session", async () => {
    const { url, namespace } = space();
    const [reader, writer] = [await start(url), await start(url)];
    const one = await client();
    const hold = await reader.getLock("x").acquire({ shared: true });
    const shared = { namespace, shared: true };
    expect(await withTransaction(one, "x", { ...shared, timeout: 0 }, ({ shared: is }) => is)).toBe(
      true,
    );
    const waiting = writer.getLock("x").acquire();
    await expect.poll(async () => (await reader.getLock("x").inspect()).waiters.length).toBe(1);
    const busy = withTransaction(one, "x", { ...shared, timeout: 100 }, () => {});
    await expect(busy).rejects.toMatchObject({ code: "COORD_BUSY" });
    await hold.release();
    await (await waiting).release();
    await withTransaction(one, "x", { ...shared, timeout: 5_000 }, () => {});
    const mine = await one.query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    );
    expect(mine.rows).toEqual([]);
  });

  test("of two that wait for each other rejects one: COORD_DEADLOCK", async () => {
    const { namespace } = space();
    const [one, other] = [await client(), await client()];
    const cross = async (by: Client, first: string, second: string): Promise<unknown> =>
      withTransaction(by, first, { namespace }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await withTransaction(by, second, { namespace }, () => {});
      }).catch((error: unknown) => error);
    const ends = await Promise.all([cross(one, "x", "y"), cross(other, "y", "x")]);
    const failed = ends.filter((end) => end !== undefined);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ code: "COORD_DEADLOCK" });
  });

  test("calls nothing that others have put into the path in which it is looked for", async () => {
    const { namespace } = space();
    await start(server.url());
    const one = await client();
    await one.query(`
      CREATE SCHEMA trap;
      CREATE TABLE trap.sprung (what text);
      CREATE FUNCTION trap.nextval(text) RETURNS bigint LANGUAGE sql AS $$ INSERT INTO trap.sprung VALUES ('nextval'); SELECT 1::bigint $$;
      CREATE FUNCTION trap.current_setting(varchar) RETURNS text LANGUAGE sql AS $$ INSERT INTO trap.sprung VALUES ('setting'); SELECT '0' $$;
      CREATE FUNCTION trap.same(oid, regclass) RETURNS bool LANGUAGE sql AS $$ INSERT INTO trap.sprung VALUES ('='); SELECT true $$;
      CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = trap.same);
      SET search_path = trap, public`);
    const token = await withTransaction(one, "x", { namespace }, (lock) => lock.token);
    expect(token).toBeGreaterThan(1_000n);
    expect(await server.sql("SELECT * FROM trap.sprung")).toEqual([]);
  });

  test("refuses a transaction that has failed, a timeout that is none, and options that there are not", async () => {
    const one = await client();
    await one.query("BEGIN");
    await one.query("nonsense").catch(() => {});
    const failed = withTransaction(one, "x", {}, () => {});
    await expect(failed).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await one.query("ROLLBACK");
    const wrong = withTransaction(one, "x", { timeout: -1 }, () => {});
    await expect(wrong).rejects.toMatchObject({ code: "COORD_BAD_OPTION" });
    // Who means a namespace and writes another word would have a lock that excludes nobody.
    const misspelled = { timeout: 0, nameSpace: "app" };
    const unknown = withTransaction(one, "x", misspelled, () => {});
    await expect(unknown).rejects.toMatchObject({
      code: "COORD_BAD_OPTION",
      message: expect.stringContaining("namespace"),
    });
  });
});
