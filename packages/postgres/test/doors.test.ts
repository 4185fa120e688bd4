import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Coordinator } from "@coord/core";
import { postgres } from "@coord/postgres";
import { Certificates, freePort } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
  await server.sql("CREATE DATABASE locks; ");
  await server.sql("CREATE ROLE app LOGIN PASSWORD 'se:cret\\'");
});
afterAll(() => server[Symbol.asyncDispose]());

async function works(url: string): Promise<Coordinator> {
  const coordinator = await start(url);
  await coordinator.getLock("door").run((hold) => expect(hold.remaining()).toBeGreaterThan(0));
  return coordinator;
}

const databases = (): Promise<Record<string, unknown>[]> =>
  server.sql(
    "SELECT DISTINCT datname FROM pg_stat_activity WHERE application_name = 'door' ORDER BY 1",
  );

describe("a server is reached", () => {
  test("by its socket, in the host, percent-encoded or as an option", async () => {
    const port = server.port;
    for (const url of [
      `postgresql://postgres@${encodeURIComponent(server.folder)}:${port}/postgres`,
      `postgres://?host=${server.folder}&port=${port}&user=postgres&dbname=postgres`,
    ]) {
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("in the database of the path, of the option, of the variable, or of the user's name", async () => {
    const place = `postgresql://postgres@127.0.0.1:${server.port}`;
    const one = await start(`${place}/locks`, { agentId: "door" });
    expect(await databases()).toEqual([{ datname: "locks" }]);
    await one.stop();
    const other = await start(`${place}?dbname=locks`, { agentId: "door" });
    expect(await databases()).toEqual([{ datname: "locks" }]);
    await other.stop();
    await start(place, { agentId: "door" });
    expect(await databases()).toEqual([{ datname: "postgres" }]);
  });

  test("by libpq's variables", async () => {
    vi.stubEnv("PGHOST", "127.0.0.1");
    vi.stubEnv("PGPORT", String(server.port));
    vi.stubEnv("PGUSER", "postgres");
    vi.stubEnv("PGDATABASE", "locks");
    vi.stubEnv("PGSSLMODE", "disable");
    onTestFinished(() => void vi.unstubAllEnvs());
    await start("postgresql:", { agentId: "door" });
    expect(await databases()).toEqual([{ datname: "locks" }]);
  });

  test("as the first of several that can be written to", async () => {
    const nobody = await freePort();
    const readOnly = await PostgresServer.start({ default_transaction_read_only: "on" });
    onTestFinished(() => readOnly[Symbol.asyncDispose]());
    const hosts = [nobody, readOnly.port, server.port].map((port) => `127.0.0.1:${port}`).join();
    const url = `postgresql://postgres@${hosts}/postgres?target_session_attrs=read-write`;
    expect((await works(url)).state).toBe("connected");
  });
});

describe("a password", () => {
  const own = async (): Promise<PostgresServer> => {
    const secured = await PostgresServer.start();
    onTestFinished(() => secured[Symbol.asyncDispose]());
    await secured.sql("CREATE ROLE app LOGIN PASSWORD 'se:cret\\'");
    await secured.sql("GRANT CREATE ON SCHEMA public TO app");
    writeFileSync(
      join(secured.folder, "data/pg_hba.conf"),
      "host all app 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n",
    );
    await secured.sql("SELECT pg_reload_conf()");
    return secured;
  };

  test("is of the URL, of PGPASSWORD, or of a file that nobody else may read", async () => {
    const secured = await own();
    const place = `127.0.0.1:${secured.port}/postgres?sslmode=disable`;
    await works(`postgresql://app:${encodeURIComponent("se:cret\\")}@${place}`);
    const folder = mkdtempSync(join(tmpdir(), "coord-pass-"));
    const file = join(folder, "pass");
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(file, `# nobody\nelse:*:*:*:no\n127.0.0.1:${secured.port}:*:app:se\\:cret\\\\\n`);
    chmodSync(file, 0o600);
    await works(`postgresql://app@${place}&passfile=${file}`);
    chmodSync(file, 0o644);
    const refused = connect(`postgresql://app@${place}&passfile=${file}`, { drivers: [postgres] });
    await expect(refused).rejects.toThrow(/wants a password/);
    vi.stubEnv("PGPASSWORD", "se:cret\\");
    onTestFinished(() => void vi.unstubAllEnvs());
    await works(`postgresql://app@${place}`);
  });

  test("that is wrong is refused, and never shown", async () => {
    const secured = await own();
    const url = `postgresql://app:guess@127.0.0.1:${secured.port}/postgres?sslmode=disable`;
    const refused = connect(url, { drivers: [postgres] });
    await expect(refused).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringMatching(/Correct the password/),
    });
    await expect(refused).rejects.not.toThrow(/guess/);
  });
});

describe("TLS", () => {
  const certificates = new Certificates();
  let secure: PostgresServer;
  beforeAll(async () => {
    secure = await PostgresServer.start();
    secure.own(certificates.cert("server"), "server.crt");
    secure.own(certificates.key("server"), "server.key");
    await secure.sql("ALTER SYSTEM SET ssl = on");
    await secure.sql("ALTER SYSTEM SET ssl_cert_file = 'server.crt'");
    await secure.sql("ALTER SYSTEM SET ssl_key_file = 'server.key'");
    await secure.sql("SELECT pg_reload_conf()");
  });
  afterAll(async () => {
    await secure[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  const encrypted = (): Promise<Record<string, unknown>[]> =>
    secure.sql(
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'door'",
    );

  test.each([
    ["disable", false],
    ["allow", false],
    ["prefer", true],
    ["require", true],
    ["verify-ca", true],
    ["verify-full", true],
  ])("sslmode=%s", async (mode, isEncrypted) => {
    const root = mode.startsWith("verify") ? `&sslrootcert=${certificates.ca}` : "";
    const place = `postgresql://postgres@127.0.0.1:${secure.port}/postgres`;
    await start(`${place}?sslmode=${mode}${root}`, { agentId: "door" });
    await expect.poll(encrypted).toEqual([{ ssl: isEncrypted }, { ssl: isEncrypted }]);
  });

  test("refuses an authority it does not know, and a server without TLS", async () => {
    for (const [port, options] of [
      [secure.port, "sslrootcert=system"],
      [secure.port, "sslrootcert=system&sslmode=verify-full"],
      [server.port, "sslmode=require"],
    ] as const) {
      const url = `postgresql://postgres@127.0.0.1:${port}/postgres?${options}`;
      await expect(connect(url, { drivers: [postgres] })).rejects.toMatchObject({
        code: "COORD_UNAVAILABLE",
      });
    }
    // Where it is only preferred, there is none.
    await works(`postgresql://postgres@127.0.0.1:${server.port}/postgres?sslmode=prefer`);
  });

  test.each(["disable", "allow", "prefer", "require", "verify-ca"])(
    "with sslrootcert=system and sslmode=%s is refused, also by a variable",
    async (mode) => {
      const place = `postgresql://postgres@127.0.0.1:${secure.port}/postgres?sslrootcert=system`;
      const refusal = {
        code: "COORD_BAD_OPTION",
        message: expect.stringMatching(`${mode}.*verify-full`),
      };
      const refused = connect(`${place}&sslmode=${mode}`, { drivers: [postgres] });
      await expect(refused).rejects.toMatchObject(refusal);
      vi.stubEnv("PGSSLMODE", mode);
      onTestFinished(() => void vi.unstubAllEnvs());
      await expect(connect(place, { drivers: [postgres] })).rejects.toMatchObject(refusal);
    },
  );

  test.each(["verify-ca", "verify-full"])(
    "with sslmode=%s takes authorities from the user's folder, and is refused without any",
    async (mode) => {
      const home = mkdtempSync(join(tmpdir(), "coord-home-"));
      onTestFinished(() => rmSync(home, { recursive: true }));
      vi.stubEnv("HOME", home);
      onTestFinished(() => void vi.unstubAllEnvs());
      const url = `postgresql://postgres@127.0.0.1:${secure.port}/postgres?sslmode=${mode}`;
      await expect(connect(url, { drivers: [postgres] })).rejects.toMatchObject({
        code: "COORD_BAD_OPTION",
        message: expect.stringMatching(/sslrootcert.*system/),
      });
      mkdirSync(join(home, ".postgresql"));
      copyFileSync(certificates.ca, join(home, ".postgresql/root.crt"));
      await works(url);
    },
  );
});

describe("a URL is refused", () => {
  test.each([
    ["postgres://a?sslmode=maybe", "COORD_BAD_OPTION", /sslmode/],
    ["postgres://a?port=0", "COORD_BAD_OPTION", /port/],
    ["postgres://a?host=a,b&port=1,2,3", "COORD_BAD_OPTION", /as many/],
    ["postgres://a?sequence=x", "COORD_BAD_OPTION", /schema/],
    ["postgres://a?sslmode=verify-ca&sslrootcert=/nowhere", "COORD_BAD_OPTION", /ENOENT/],
    ["postgres://a?nonsense=1", "COORD_BAD_OPTION", /nonsense/],
    ["postgres://127.0.0.1:1", "COORD_UNAVAILABLE", /ECONNREFUSED/],
  ])("%s", async (url, code, message) => {
    const refused = connect(url, { drivers: [postgres], ttl: 2_000 });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("whose database is not there", async () => {
    const refused = connect(`postgres://postgres@127.0.0.1:${server.port}/nowhere`, {
      drivers: [postgres],
    });
    await expect(refused).rejects.toThrow(/Create the database/);
  });
});
