import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { TcpProxy } from "@coord/testkit";
import { freePort, LineProcess } from "@coord/testkit/tools";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { RedisServer } from "./redis-server.js";
import { calls } from "./subject.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
if (short) console.info("COORD_TEST_SHORT: Sentinels and the Cluster are left out.");
const patience = { timeout: 20_000, interval: 50 };

async function start(url: string, options: object = {}): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers: [redis], ttl: 5_000, ...options });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

describe.skipIf(short)("Sentinels", () => {
  const folder = mkdtempSync(join(tmpdir(), "coord-sentinel-"));
  let servers: RedisServer[];
  let sentinels: { port: number; process: LineProcess }[];

  beforeAll(async () => {
    const master = await RedisServer.start();
    const replica = await RedisServer.start(["--replicaof", "127.0.0.1", String(master.port)]);
    servers = [master, replica];
    const link = /master_link_status:up/;
    await vi.waitUntil(async () => link.test(await replica.client.info("replication")), patience);
    sentinels = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const port = await freePort();
        const file = join(folder, `${number}.conf`);
        const watched = `sentinel monitor main 127.0.0.1 ${master.port} 2`;
        const limits = ["down-after-milliseconds main 1000", "failover-timeout main 5000"];
        const lines = [`port ${port}`, `dir ${folder}`, watched];
        writeFileSync(file, [...lines, ...limits.map((limit) => `sentinel ${limit}`)].join("\n"));
        const process = LineProcess.start(file, ["--sentinel"], { command: "redis-server" });
        await process.next(/\+monitor master main/);
        return { port, process };
      }),
    );
  }, 60_000);
  afterAll(async () => {
    for (const { process } of sentinels) await process[Symbol.asyncDispose]();
    for (const server of servers) await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("name the master, also after a failover: what was held stays held or its holder is told", async () => {
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const url = `redis+sentinel://${hosts}?sentinel=main&namespace=failover`;
    const [one, other] = [await start(url), await start(url)];
    const holds = await Promise.all(
      Array.from({ length: 20 }, (_, index) => one.getLock(`x${index}`).acquire()),
    );
    const next = other.getLock("x0").acquire();
    const asked = new Redis({ port: sentinels[0]?.port ?? 0 });
    onTestFinished(() => asked.disconnect());
    await expect
      .poll(() => asked.call("SENTINEL", "CKQUORUM", "main").catch(String), { timeout: 20_000 })
      .toMatch(/^OK 3/);
    await asked.call("SENTINEL", "FAILOVER", "main");
    const replica = String(servers[1]?.port);
    await expect
      .poll(() => asked.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"), { timeout: 20_000 })
      .toEqual(["127.0.0.1", replica]);
    // The old master goes on for a moment, until the Sentinels tell it.
    await expect
      .poll(() => servers[0]?.client.info("replication"), { timeout: 20_000 })
      .toMatch(/role:slave/);
    const after = await one.getLock("after").acquire({ timeout: 10_000 });
    expect(await servers[1]?.client.exists("failover:{after}")).toBe(1);
    await after.release();
    const [first, ...others] = holds;
    for (const hold of others) {
      if (!hold.signal.aborted) hold.assertHeld();
      await hold.release();
    }
    await first?.release();
    const got = await next;
    expect(got.token).toBeGreaterThan(first?.token ?? 0n);
    await got.release();
  }, 60_000);
});

describe.skipIf(short)("a Cluster", () => {
  let nodes: RedisServer[];

  beforeAll(async () => {
    nodes = await Promise.all(
      [1, 2, 3].map(() =>
        RedisServer.start(["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"]),
      ),
    );
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
    execFileSync("redis-cli", ["--cluster", "create", ...hosts, "--cluster-yes"], {
      stdio: "pipe",
    });
    for (const { client } of nodes) {
      const works = /cluster_state:ok/;
      await vi.waitUntil(async () => works.test(String(await client.cluster("INFO"))), patience);
    }
  }, 60_000);
  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]();
  });

  const url = (namespace: string): string =>
    `redis+cluster://127.0.0.1:${nodes[0]?.port}?namespace=${namespace}`;

  test("holds locks on all its nodes, wakes and renews over all of them", async () => {
    const place = url("nodes");
    const options = { ttl: 2_000, heartbeat: 300 };
    const [one, other] = [await start(place, options), await start(place, options)];
    const names = Array.from({ length: 100 }, (_, index) => `x${index}`);
    const holds = await Promise.all(names.map((name) => one.getLock(name).acquire()));
    const counts = await Promise.all(nodes.map(({ client }) => client.dbsize()));
    for (const count of counts) expect(count).toBeGreaterThan(0);
    const waits = names.map((name) => other.getLock(name).acquire());
    // Longer than the ttl.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (const hold of holds) hold.assertHeld();
    await Promise.all(holds.map((hold) => hold.release()));
    const next = await Promise.all(waits);
    next.forEach((hold, index) => expect(hold.token > (holds[index]?.token ?? 0n)).toBe(true));
    await Promise.all(next.map((hold) => hold.release()));
  }, 30_000);

  test("moves a slot to another node while a lock in it is held, waited for and handed over", async () => {
    const place = url("move");
    const [one, other] = [await start(place), await start(place)];
    const slot = Number(await nodes[0]?.client.call("CLUSTER", "KEYSLOT", "move:{x}"));
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    const ids = await Promise.all(
      nodes.map(async ({ client }) => String(await client.call("CLUSTER", "MYID"))),
    );
    const counts = await Promise.all(
      nodes.map(({ client }) => client.exists("move:{x}").catch(() => 0)),
    );
    const from = counts.indexOf(1);
    const to = (from + 1) % 3;
    const [source, target] = [nodes[from], nodes[to]];
    await target?.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from] ?? "");
    await source?.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to] ?? "");
    for (;;) {
      const keys = (await source?.client.call("CLUSTER", "GETKEYSINSLOT", slot, 10)) as string[];
      if (keys.length === 0) break;
      const where = ["127.0.0.1", String(target?.port), "", "0", "1000", "KEYS"];
      await source?.client.call("MIGRATE", ...where, ...keys);
    }
    for (const { client } of nodes) {
      await client.call("CLUSTER", "SETSLOT", slot, "NODE", ids[to] ?? "").catch(() => {});
    }
    hold.assertHeld();
    await hold.release();
    const got = await next;
    expect(got.token).toBeGreaterThan(hold.token);
    expect(await target?.client.exists("move:{x}")).toBe(1);
    await got.release();
  }, 30_000);

  test("of which a connection breaks is asked again by us alone: what was released is not told as lost", async () => {
    const proxies = await Promise.all(nodes.map(({ port }) => TcpProxy.start({ port })));
    onTestFinished(async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    });
    const natMap = Object.fromEntries(
      nodes.map(({ port }, index) => [
        `127.0.0.1:${port}`,
        { host: "127.0.0.1", port: proxies[index]?.port ?? 0 },
      ]),
    );
    const startup = [{ host: "127.0.0.1", port: proxies[0]?.port ?? 0 }];
    const client = new Cluster(startup, { natMap, lazyConnect: true });
    const drivers = [redis.from(client)];
    const coordinator = await start("redis:?namespace=breaks", { drivers });
    const names = Array.from({ length: 20 }, (_, index) => `x${index}`);
    // The scripts are known, and many ask nodes that are still being connected to.
    const tried = await Promise.all(names.map((name) => coordinator.getLock(name).tryAcquire()));
    expect(tried.filter((hold) => hold === undefined)).toEqual([]);
    await Promise.all(tried.map(async (hold) => hold?.release()));
    for (const name of names.slice(0, 5)) {
      await coordinator.getLock(name).run(() => {
        const swallowed = proxies.map((proxy) => proxy.swallow(calls("release")).forwarded);
        void Promise.any(swallowed).then(() => {
          for (const proxy of proxies) proxy.heal();
        });
      });
    }
    await expect.poll(() => coordinator.state).toBe("connected");
  }, 30_000);
});
