import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type Coordinator } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { Certificates, freePort } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Administrator } from "./administrator.js";
import { ZooKeeperServer } from "./zookeeper-server.js";

const certificates = new Certificates();
let server: ZooKeeperServer;
let administrator: Administrator;
let securePort: number;
beforeAll(async () => {
  securePort = await freePort();
  const store = join(certificates.folder, "store.pem");
  const files = [certificates.key("server"), certificates.cert("server")];
  writeFileSync(store, files.map((file) => readFileSync(file, "utf8")).join(""));
  server = await ZooKeeperServer.start({
    secureClientPort: securePort,
    secureClientPortAddress: "127.0.0.1",
    serverCnxnFactory: "org.apache.zookeeper.server.NettyServerCnxnFactory",
    "ssl.keyStore.location": store,
    "ssl.trustStore.location": certificates.ca,
    "ssl.clientAuth": "need",
  });
  administrator = await Administrator.connect(server.port);
}, 60_000);
afterAll(async () => {
  administrator[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
});

async function works(url: string): Promise<Coordinator> {
  // Java takes its time over the first handshake.
  const coordinator = await connect(url, { drivers: [zookeeper], ttl: 10_000, heartbeat: 200 });
  onTestFinished(() => coordinator.stop());
  const hold = await coordinator.getLock("door").acquire({ timeout: 5_000 });
  expect(hold.remaining()).toBeGreaterThan(0);
  await hold.release();
  return coordinator;
}

describe("a server is reached", () => {
  test("by the first of several hosts that answers, in the URL or as options", async () => {
    const dead = await freePort();
    const here = `127.0.0.1:${server.port}`;
    for (const url of [
      `zookeeper://127.0.0.1:${dead},${here}?randomize_hosts=false`,
      `zookeeper://?hosts=localhost:${dead}&hosts=${here}`,
      `kazoo://127.0.0.1:${dead}?hosts=${here},127.0.0.1:${dead}`,
    ]) {
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("under a chroot, which is made with all that is missing above it", async () => {
    const root = crypto.randomUUID();
    const one = await works(`zookeeper://127.0.0.1:${server.port}/${root}/b`);
    const hold = await one.getLock("x").acquire();
    const [node = ""] = await administrator.children(`/${root}/b/coord/locks/x`);
    expect(node).toMatch(/^[0-9a-f-]{36}-\d+__lock__\d{10}$/);
    await hold.release();
  });

  test("for the timeout that it allows", async () => {
    // From 2 ticks to what the server is told.
    for (const [asked, given] of [
      [0.1, 200],
      [5, 5_000],
      [600, 60_000],
    ] as const) {
      const url = `${server.url()}&timeout=${asked}`;
      const coordinator = await connect(url, { drivers: [zookeeper], ttl: 300 });
      onTestFinished(() => coordinator.stop());
      const hold = await coordinator.getLock("x").acquire();
      expect(hold.remaining()).toBeLessThanOrEqual(given);
      expect(hold.remaining()).toBeGreaterThan(given / 2);
      expect(coordinator.traits.crashReleaseMs).toBe(given * 1.25 + 100);
      await hold.release();
    }
  });
});

describe("a user", () => {
  const url = (user: string, namespace: string): string =>
    `zookeeper://${user}@127.0.0.1:${server.port}?namespace=${namespace}`;

  test("has nodes that nobody else may use, and shares them with who knows the password", async () => {
    const namespace = crypto.randomUUID();
    const mine = url("app:secret", namespace);
    const [one, other] = [await works(mine), await works(mine)];
    const hold = await one.getLock("x").acquire();
    expect(await other.getLock("x").tryAcquire()).toBeUndefined();
    const [node = ""] = await administrator.children(`/${namespace}/locks/x`);
    // Whoever has no user sees nothing.
    expect(node).toBe("");
    const digest = createHash("sha1").update("app:secret").digest("base64");
    using app = await Administrator.connect(server.port, "app:secret");
    const [own] = await app.children(`/${namespace}/locks/x`);
    for (const path of ["", "/locks", "/locks/x", `/locks/x/${own}`]) {
      const list = await app.acl(`/${namespace}${path}`);
      expect(list).toEqual([{ permission: 31, scheme: "digest", id: `app:${digest}` }]);
    }
    const waiting = other.getLock("x").acquire();
    expect(await one.getLock("x").break({ force: true })).toMatchObject({ outcome: "forced" });
    await (await waiting).release();
    await hold.release();
  });

  test("without the right password, or none, is refused in words that keep it secret", async () => {
    const namespace = crypto.randomUUID();
    await works(url("app:secret", namespace));
    for (const user of ["app:guess", "other:secret"]) {
      const coordinator = await connect(url(user, namespace), { drivers: [zookeeper], ttl: 2_000 });
      onTestFinished(() => coordinator.stop());
      const lock = coordinator.getLock("y");
      for (const ask of [() => lock.acquire({ timeout: 5_000 }), () => lock.tryAcquire()]) {
        const asked = ask();
        await expect(asked).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
        await expect(asked).rejects.not.toThrow(/guess|secret/);
        await expect(asked).rejects.toThrow(/access control/);
      }
    }
  });
});

describe("TLS", () => {
  const client = (): string =>
    `&use_ssl=true&certfile=${certificates.cert("client")}&keyfile=${certificates.key("client")}`;

  test("needs the server's authority, and shows the client's certificate", async () => {
    for (const host of ["127.0.0.1", "localhost"]) {
      const url = `zookeeper://${host}:${securePort}?ca=${certificates.ca}${client()}`;
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("takes any certificate where that is wished", async () => {
    const url = `zookeeper://127.0.0.1:${securePort}?verify_certs=false${client()}`;
    expect((await works(url)).state).toBe("connected");
  });

  test("refuses a server of an unknown authority, a client without a certificate, and no TLS", async () => {
    const place = `zookeeper://127.0.0.1:${securePort}`;
    for (const url of [
      `${place}?timeout=1${client()}`,
      `${place}?use_ssl=true&ca=${certificates.ca}`,
      place,
    ]) {
      const refused = connect(url, { drivers: [zookeeper], ttl: 2_000 });
      await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    }
  });
});

describe("a URL is refused", () => {
  test.each([
    ["zookeeper://a/b//c", "COORD_BAD_URL", /ZooKeeper allows/],
    ["zookeeper://a/../c", "COORD_BAD_URL", /ZooKeeper allows/],
    ["zookeeper:a", "COORD_BAD_URL", /ZooKeeper allows/],
    ["zookeeper://user@a", "COORD_BAD_URL", /both/],
    ["zookeeper://a?hosts=b:c", "COORD_BAD_OPTION", /host:port/],
    ["zookeeper://a?use_ssl=1&ca=/nowhere", "COORD_BAD_OPTION", /ENOENT/],
    ["zookeeper://a?client=other", "COORD_BAD_OPTION", /javascript, native/],
    ["zookeeper://a?nonsense=1", "COORD_BAD_OPTION", /nonsense/],
    ["zookeeper://127.0.0.1:1", "COORD_UNAVAILABLE", /ECONNREFUSED|does not answer/],
  ])("%s", async (url, code, message) => {
    const refused = connect(url, { drivers: [zookeeper], ttl: 2_000 });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
