import { connect, type Coordinator } from "@coord/core";
import { etcd } from "@coord/etcd";
import { TcpProxy } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EtcdServer } from "./etcd-server.js";
import { lineOf } from "./subject.js";

let server: EtcdServer;
beforeAll(async () => {
  server = await EtcdServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

async function start(url: string, options: object = {}): Promise<Coordinator> {
  const all = { drivers: [etcd], ttl: 2_000, heartbeat: 200, ...options };
  const coordinator = await connect(url, all);
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** The leases of those in the line of "x", first come first. */
async function leases(url: string): Promise<string[]> {
  const { kvs } = await server.client
    .getAll()
    .prefix(lineOf(url, "x"))
    .sort("Create", "Ascend")
    .exec();
  return kvs.map(({ lease }) => lease);
}

describe("a lease that is revoked by hand", () => {
  test("has its holder told, who goes on with another; the next token is greater", async () => {
    const url = server.url();
    const one = await start(url);
    const hold = await one.getLock("x").acquire();
    const [lease = ""] = await leases(url);
    await server.client.leaseClient.leaseRevoke({ ID: lease });
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST" });
    await hold.release();
    const again = await one.getLock("x").acquire({ timeout: 5_000 });
    expect(again.token).toBeGreaterThan(hold.token);
  });

  test("costs whoever waits no more than the place in line", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await expect.poll(() => leases(url)).toHaveLength(2);
    const [, lease = ""] = await leases(url);
    await server.client.leaseClient.leaseRevoke({ ID: lease });
    await expect.poll(async () => (await leases(url))[1]).not.toBe(lease);
    await expect.poll(() => leases(url), { timeout: 5_000 }).toHaveLength(2);
    await hold.release();
    expect((await next).token).toBeGreaterThan(hold.token);
  });
});

describe("a line", () => {
  // Those who are near the lock are told of all that leave, the others only of the one before them.
  test("of many is served in its order, also when some in it give up or are deleted", async () => {
    const url = server.url();
    const first = await start(url);
    const hold = await first.getLock("x").acquire();
    const served: number[] = [];
    const givenUp = new AbortController();
    const waits: Promise<void>[] = [];
    const abandoned = [2, 11, 12, 16];
    for (let i = 0; i < 18; i++) {
      const coordinator = await start(url);
      const { signal } = abandoned.includes(i) ? givenUp : new AbortController();
      const wait = coordinator
        .getLock("x")
        .acquire({ signal })
        .then(async (each) => {
          served.push(i);
          await each.release();
        });
      waits.push(wait.catch(() => {}));
      await expect.poll(() => leases(url)).toHaveLength(i + 2);
    }
    givenUp.abort();
    await expect.poll(() => leases(url)).toHaveLength(19 - abandoned.length);
    const { kvs } = await server.client
      .getAll()
      .prefix(lineOf(url, "x"))
      .sort("Create", "Ascend")
      .exec();
    // One that is near the lock and one that is not: they have to go to the end.
    for (const at of [4, 12]) await server.client.delete().key(kvs[at]?.key ?? "");
    await expect.poll(() => leases(url)).toHaveLength(19 - abandoned.length);
    await hold.release();
    await Promise.all(waits);
    const deleted = [4, 14];
    const stayed = [...waits.keys()].filter((i) => ![...abandoned, ...deleted].includes(i));
    expect(served.slice(0, -2)).toEqual(stayed);
    expect(served.slice(-2).toSorted((a, b) => a - b)).toEqual(deleted);
  }, 60_000);

  test("that is watched is handed over with nothing asked; a beat after the last turn it is not watched any more", async () => {
    const url = server.url();
    await using proxy = await TcpProxy.start({ port: server.port });
    const one = await start(url);
    const other = await start(proxy.through(url), { ttl: 60_000, heartbeat: 5_000 });
    const watchers = await watched();
    for (let turn = 0; turn < 3; turn++) {
      const hold = await one.getLock("x").acquire();
      const next = other.getLock("x").acquire();
      // Its own key is watched then, too.
      await expect.poll(watched).toBeGreaterThan(watchers + 1);
      const { bytesToServer } = proxy.traffic;
      await hold.release();
      const got = await next;
      expect(proxy.traffic.bytesToServer).toBe(bytesToServer);
      await got.release();
    }
    await expect.poll(watched, { timeout: 10_000 }).toBe(watchers);
  }, 20_000);

  test("has for each coordinator the same few keys, however often it asks", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const keys = new Set<string>();
    let last = 0n;
    const look = async (count: number): Promise<void> => {
      const found = await server.client.getAll().prefix(lineOf(url, "x")).keys();
      expect(found).toHaveLength(count);
      for (const key of found) keys.add(key);
    };
    for (let times = 0; times < 5; times++) {
      const hold = await one.getLock("x").acquire();
      expect(hold.token).toBeGreaterThan(last);
      last = hold.token;
      const waited = other.getLock("x").acquire({ signal: AbortSignal.timeout(100) });
      await expect(waited).rejects.toThrow(/timeout/);
      expect(await other.getLock("x").tryAcquire()).toBeUndefined();
      const next = other.getLock("x").acquire();
      await expect.poll(() => leases(url)).toHaveLength(2);
      await look(2);
      await hold.release();
      last = (await next).token;
      await look(1);
      await (await next).release();
      await look(0);
    }
    expect(keys.size).toBeLessThanOrEqual(3);
  }, 20_000);
});

/** How many watches the server has. */
async function watched(): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(metrics)?.[1]);
}

describe("a key that is deleted", () => {
  test("of one who waits is made anew, at the end of the line", async () => {
    const url = server.url();
    const [one, other, third] = [await start(url), await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const second = other.getLock("x").acquire();
    await expect.poll(() => leases(url)).toHaveLength(2);
    const last = third.getLock("x").acquire();
    await expect.poll(() => leases(url)).toHaveLength(3);
    const before = await leases(url);
    const keys = await server.client
      .getAll()
      .prefix(lineOf(url, "x"))
      .sort("Create", "Ascend")
      .keys();
    await server.client.delete().key(keys[1] ?? "");
    await expect.poll(() => leases(url)).toEqual([before[0], before[2], before[1]]);
    await hold.release();
    const got = await last;
    await got.release();
    expect((await second).token).toBeGreaterThan(got.token);
  });
});

describe("a compaction", () => {
  test("while somebody waits and somebody holds, with the connections of both broken, is no matter", async () => {
    const url = server.url();
    const proxy = await TcpProxy.start({ port: server.port });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const [one, other] = [await start(proxy.through(url)), await start(proxy.through(url))];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await expect.poll(() => leases(url)).toHaveLength(2);
    proxy.cut();
    await state(one, "suspended");
    await state(other, "suspended");
    const { header } = await server.client.kv.put({
      key: Buffer.from("any"),
      value: Buffer.from(""),
    });
    await server.client.kv.compact({ revision: header.revision, physical: true });
    proxy.heal();
    await state(one, "connected");
    await state(other, "connected");
    hold.assertHeld();
    // What was compacted cannot be seen any more, but what comes after it is.
    const [key = ""] = await server.client
      .getAll()
      .prefix(lineOf(url, "x"))
      .sort("Create", "Ascend")
      .keys();
    await server.client.delete().key(key);
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ reason: "taken" });
    expect((await next).token).toBeGreaterThan(hold.token);
  });
});

describe("a server", () => {
  test("that is killed and comes back within the ttl has kept what was held, and the line", async () => {
    const own = await EtcdServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = own.url();
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await own.kill();
    await state(one, "suspended");
    await own.restart();
    await state(one, "connected");
    hold.assertHeld();
    await hold.release();
    expect((await next).token).toBeGreaterThan(hold.token);
  });

  test("that has no space left is unavailable, not busy, and is asked again", async () => {
    const own = await EtcdServer.start({ "quota-backend-bytes": String(1024 * 1024) });
    onTestFinished(() => own[Symbol.asyncDispose]());
    const coordinator = await start(own.url());
    const lock = coordinator.getLock("x");
    const value = Buffer.alloc(128 * 1024);
    const fill = async (): Promise<void> => {
      for (;;) await own.client.kv.put({ key: Buffer.from("fill"), value });
    };
    await expect(fill()).rejects.toThrow(/space exceeded/);
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const next = lock.acquire();
    const { header } = await own.client.kv.range({ key: Buffer.from("fill") });
    await own.client.kv.compact({ revision: header.revision, physical: true });
    own.ctl("defrag");
    own.ctl("alarm", "disarm");
    await (await next).release();
  });
});

/** Waits for the next time that the state is this. */
async function state(coordinator: Coordinator, wanted: string): Promise<void> {
  await expect.poll(() => coordinator.state, { timeout: 5_000, interval: 1 }).toBe(wanted);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
