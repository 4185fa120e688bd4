import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { connect, type Coordinator, type Driver } from "@coord/core";
import { redis } from "@coord/redis";
import { Cluster, Redis } from "ioredis";
import { Certificates } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { RedisServer } from "./redis-server.js";

const certificates = new Certificates();
let server: RedisServer;
let socket: string;
beforeAll(async () => {
  socket = join(certificates.folder, "redis.sock");
  const tls = ["--tls-port", "0", "--unixsocket", socket];
  server = await RedisServer.start(tls);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
});

async function works(url: string, drivers: Driver[] = [redis]): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers, ttl: 2_000, heartbeat: 200 });
  onTestFinished(() => coordinator.stop());
  const hold = await coordinator.getLock("door").acquire({ timeout: 2_000 });
  expect(hold.remaining()).toBeGreaterThan(0);
  await hold.release();
  return coordinator;
}

describe("a server is reached", () => {
  test("by its socket, in the URL's path and as its host", async () => {
    for (const url of [`redis://${socket}?db=2`, `redis://${encodeURIComponent(socket)}/2`]) {
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("in the database of the path or the option", async () => {
    const url = `redis://127.0.0.1:${server.port}`;
    await works(`${url}/3?namespace=door`);
    await works(`${url}?db=4&namespace=door`);
    expect(await server.client.call("SELECT", "3")).toBe("OK");
    expect(await server.client.keys("door:*")).toEqual(["door:{door}:token"]);
    expect(await server.client.call("SELECT", "4")).toBe("OK");
    expect(await server.client.keys("door:*")).toEqual(["door:{door}:token"]);
    expect(await server.client.call("SELECT", "0")).toBe("OK");
    expect(await server.client.keys("door:*")).toEqual([]);
  });

  test("as a user who may do no more than the README lists, and no other", async () => {
    const user = ["on", ">secret", "resetkeys", "~mine:*", "resetchannels", "&mine:session:*"];
    await server.client.call("ACL", "SETUSER", "app", ...user, "-@all", ...permissions());
    const url = `redis://app:secret@127.0.0.1:${server.port}`;
    const one = await works(`${url}?namespace=mine`);
    const other = await works(`${url}?namespace=mine`);
    const lock = one.getLock("x");
    const hold = await lock.acquire();
    const shared = other.getLock("x").acquire({ shared: true });
    await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(1);
    await hold.release();
    const taken = await shared;
    expect(await lock.break({ force: true })).toMatchObject({ outcome: "forced" });
    await taken.release();
    await expect(works(`${url}?namespace=theirs`)).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    const wrong = connect(url.replace("secret", "guess"), { drivers: [redis] });
    await expect(wrong).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await expect(wrong).rejects.not.toThrow(/guess/);
  });

  test("as a user who may not have one of the locks: that one is refused, and costs none of the others", async () => {
    const keys = ["~coord:{mine*", "~coord:{door}*"];
    const user = ["on", ">secret", "resetkeys", ...keys, "resetchannels", "&coord:session:*"];
    await server.client.call("ACL", "SETUSER", "some", ...user, "-@all", ...permissions());
    const coordinator = await works(`redis://some:secret@127.0.0.1:${server.port}`);
    const names = ["mine1", "theirs", "mine2", "mine3"];
    const asked = names.map((name) => coordinator.getLock(name).acquire());
    const statuses = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(statuses).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    await expect(asked[1]).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    // A ttl, and some beats.
    await setTimeout(2_500);
    for (const hold of [asked[0], asked[2], asked[3]]) (await hold)?.assertHeld();
  });

  test("as a user who may have one of the locks no longer: all others are given back at the end", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `x${index}`);
    const allow = (some: readonly string[]): Promise<unknown> => {
      const keys = [...some, "door"].map((name) => `~coord:{${name}}*`);
      const user = ["on", ">secret", "resetkeys", ...keys, "resetchannels", "&coord:session:*"];
      return server.client.call("ACL", "SETUSER", "less", ...user, "-@all", ...permissions());
    };
    await allow(names);
    const coordinator = await works(`redis://less:secret@127.0.0.1:${server.port}`);
    await Promise.all(names.map((name) => coordinator.getLock(name).acquire()));
    await allow(names.filter((name) => name !== "x20"));
    await coordinator.stop();
    const left = await server.client.keys("coord:{x*}");
    expect(left).toEqual(["coord:{x20}"]);
  });

  test("by a copy of a client of the user's, who keeps it", async () => {
    const odd = { keyPrefix: "app:", stringNumbers: true, enableAutoPipelining: true };
    const client = new Redis({ port: server.port, db: 5, ...odd });
    onTestFinished(() => client.disconnect());
    const coordinator = await works("redis:?namespace=copied", [redis.from(client)]);
    expect(await client.keys("copied:*")).toEqual(["copied:{door}:token"]);
    await coordinator.stop();
    expect(await client.ping()).toBe("PONG");
  });
});

describe("TLS", () => {
  let secure: RedisServer;
  beforeAll(async () => {
    const files = ["--tls-ca-cert-file", certificates.ca];
    const own = ["--tls-cert-file", certificates.cert("server")];
    const key = ["--tls-key-file", certificates.key("server")];
    secure = await RedisServer.start([...files, ...own, ...key], { tls: true });
  });
  afterAll(() => secure[Symbol.asyncDispose]());

  const client = (): string =>
    `&ssl_certfile=${certificates.cert("client")}&ssl_keyfile=${certificates.key("client")}`;

  test("needs the server's authority, and shows the client's certificate", async () => {
    const place = `127.0.0.1:${secure.port}?ssl_ca_certs=${certificates.ca}`;
    for (const url of [
      `rediss://${place}${client()}`,
      `redis://${place}${client()}&ssl=true`,
      `rediss://${place.replace("127.0.0.1", "localhost")}${client()}`,
    ]) {
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("refuses a server of an unknown authority, a client without a certificate, and no TLS", async () => {
    const place = `127.0.0.1:${secure.port}`;
    for (const url of [
      `rediss://${place}?db=0${client()}`,
      `rediss://${place}?ssl_ca_certs=${certificates.ca}`,
      `redis://${place}`,
    ]) {
      const refused = connect(url, { drivers: [redis], ttl: 2_000 });
      await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    }
  });
});

describe("a URL is refused", () => {
  test.each([
    ["redis://a,b", "COORD_BAD_URL", /redis\+cluster/],
    ["redis://a/x", "COORD_BAD_URL", /number of a database/],
    ["redis+cluster://a/1", "COORD_BAD_URL", /only database 0/],
    ["redis+sentinel://a", "COORD_BAD_OPTION", /\?sentinel=/],
    ["redis://a?sentinel=x&sentinel_fallback=b", "COORD_BAD_OPTION", /host:port/],
    ["rediss://a?ssl_ca_certs=/nowhere", "COORD_BAD_OPTION", /ENOENT/],
    ["redis+cluster://a?restart_delay=true", "COORD_BAD_OPTION", /Sentinels/],
    ["redis://a?nonsense=1", "COORD_BAD_OPTION", /nonsense/],
    ["redis://127.0.0.1:1", "COORD_UNAVAILABLE", /ECONNREFUSED/],
  ])("%s", async (url, code, message) => {
    const refused = connect(url, { drivers: [redis], ttl: 2_000 });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each([
    ["redis+cluster://a", "COORD_BAD_URL", /host and path/],
    ["redis:///3", "COORD_BAD_URL", /host and path/],
    ["redis:?db=3", "COORD_BAD_OPTION", /Leave db out/],
    ["redis:?ssl=true&sentinel=x", "COORD_BAD_OPTION", /Leave ssl, sentinel out/],
    ["redis:?restart_delay=true", "COORD_BAD_OPTION", /Sentinels/],
  ])("where a client of the user's says already how to connect: %s", async (url, code, message) => {
    const driver = redis.from(new Cluster([], { lazyConnect: true }));
    const refused = connect(url, { drivers: [driver] });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

/** Those of the README. */
function permissions(): string[] {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const line = /^ACL SETUSER .*$/m.exec(text)?.[0] ?? "";
  return line.split(" ").filter((word) => word.startsWith("+"));
}
