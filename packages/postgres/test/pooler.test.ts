import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, LineProcess } from "@coord/testkit/tools";
import { withTransaction } from "@coord/postgres";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { start } from "./helpers.js";
import { asPostgres, PostgresServer } from "./postgres-server.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;

if (short) console.info("COORD_TEST_SHORT: pgbouncer is left out.");

describe.skipIf(short)("by way of pgbouncer", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function pooler(
    mode: string,
    size = 20,
    ...settings: string[]
  ): Promise<{ port: number; url: string }> {
    const folder = mkdtempSync(join(tmpdir(), "coord-pgbouncer-"));
    const port = await freePort();
    const lines = [
      "[databases]",
      `postgres = host=127.0.0.1 port=${server.port} dbname=postgres`,
      "[pgbouncer]",
      `listen_addr = 127.0.0.1`,
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      `pool_mode = ${mode}`,
      `default_pool_size = ${size}`,
      "ignore_startup_parameters = extra_float_digits",
      ...settings,
    ];
    const file = join(folder, "pgbouncer.ini");
    writeFileSync(
      file,
      lines.join("\n").replace("dbname=postgres", "dbname=postgres user=postgres"),
    );
    if (process.getuid?.() === 0) execFileSync("chown", ["-R", "postgres", folder]);
    const [first = "", ...args] = asPostgres("/usr/sbin/pgbouncer", [file]);
    const running = LineProcess.start(first, args, { command: "sh" });
    onTestFinished(async () => {
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });
    await running.next(/process up/);
    const namespace = crypto.randomUUID();
    const place = `postgres@127.0.0.1:${port}/postgres?sslmode=disable&namespace=${namespace}`;
    return { port, url: `postgresql://${place}` };
  }

  test("in session mode locks work, are waited for, and are free when who held them is gone", async () => {
    const { url } = await pooler("session");
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await hold.release();
    const taken = await next;
    expect(taken.token).toBeGreaterThan(hold.token);
    const after = one.getLock("x").acquire();
    await other.stop();
    await (await after).release();
  });

  test.each([
    ["transaction", 20],
    ["transaction", 1],
    ["statement", 20],
  ])(
    "in %s mode, with %i connections, they are refused, and the error says what to do",
    async (mode, size) => {
      const { url } = await pooler(mode, size);
      await expect(start(url)).rejects.toMatchObject({
        code: "COORD_UNAVAILABLE",
        message: expect.stringMatching(/session mode/),
      });
      // Nothing of the try is left to hold anything.
      const held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'";
      await expect.poll(() => server.sql(held)).toEqual([]);
    },
  );

  test.each([2, 3])(
    "in transaction mode, in turns of %i connections that are there, they are refused",
    async (size) => {
      const { port, url } = await pooler("transaction", size, "server_round_robin = 1");
      const clients = await Promise.all(Array.from({ length: size }, () => clientOf(port)));
      for (const client of clients) await client.query("BEGIN");
      for (const client of clients) await client.query("COMMIT");
      await expect(start(url)).rejects.toMatchObject({
        code: "COORD_UNAVAILABLE",
        message: expect.stringMatching(/session mode/),
      });
    },
  );

  test("in transaction mode withTransaction() works", async () => {
    const { port } = await pooler("transaction");
    const client = await clientOf(port);
    await start(server.url());
    const token = await withTransaction(client, "x", { timeout: 1_000 }, (lock) => lock.token);
    expect(token).toBeGreaterThan(0n);
  });
});

async function clientOf(port: number): Promise<Client> {
  const place = { host: "127.0.0.1", port, user: "postgres", database: "postgres" };
  const client = new Client({ ...place, ssl: false });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}
