import { connect, type Coordinator, type CoordinatorOptions, type Lock } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { TcpProxy } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Watchers } from "../src/connection/watchers.js";
import { contendersOf } from "../src/paths.js";
import { Administrator } from "./administrator.js";
import { Relay } from "./relay.js";
import { asks, folderOf } from "./subject.js";
import { ZooKeeperServer } from "./zookeeper-server.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const ttl = 1_500;
let server: ZooKeeperServer;
let administrator: Administrator;
beforeAll(async () => {
  server = await ZooKeeperServer.start();
  administrator = await Administrator.connect(server.port);
});
afterAll(async () => {
  administrator[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

async function start(url: string, options: Partial<CoordinatorOptions> = {}): Promise<Coordinator> {
  const coordinator = await connect(url, {
    drivers: [zookeeper],
    ttl,
    heartbeat: 200,
    initialReconnectBackoff: 50,
    maxReconnectBackoff: 300,
    ...options,
  });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

async function throughProxy(url: string): Promise<{ url: string; proxy: TcpProxy }> {
  const proxy = await TcpProxy.start({ port: server.port });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { url: proxy.through(url), proxy };
}

describe("a session", () => {
  test("that the server ends has lost all that was held through it, at once; who waits goes on in the next", async () => {
    const url = server.url();
    const relay = await Relay.start(server.port);
    onTestFinished(() => relay[Symbol.dispose]());
    // A lease must not be what ends it.
    const long = { ttl: 30_000 };
    const one = await start(url.replace(String(server.port), String(relay.port)), long);
    const other = await start(url);
    const [x, y] = [await one.getLock("x").acquire(), await other.getLock("y").acquire()];
    const waiting = one.getLock("y").acquire();
    const next = other.getLock("x").acquire();
    await waiters(other, "y", 1);
    const [session] = relay.sessions;
    if (!session) throw new Error("No session went through the relay.");
    const lost = aborted(x.signal);
    await Administrator.end(server.port, session);
    await lost;
    expect(x.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "session" });
    expect((await next).token).toBeGreaterThan(x.token);
    await x.release();
    (await next).assertHeld();
    await y.release();
    expect((await waiting).token).toBeGreaterThan(y.token);
    expect(one.state).toBe("connected");
  });

  test("that is to go on with a shorter timeout than was agreed upon is over at once: the server would end it while what is held is relied on", async () => {
    const relay = await Relay.start(server.port);
    onTestFinished(() => relay[Symbol.dispose]());
    const url = server.url().replace(String(server.port), String(relay.port));
    const one = await start(url, { ttl: 30_000 });
    const hold = await one.getLock("x").acquire();
    const lost = aborted(hold.signal);
    relay.break();
    await expect.poll(() => relay.sessions.length).toBe(2);
    await (await one.getLock("y").acquire()).release();
    hold.assertHeld();
    relay.allowed = 10_000;
    relay.break();
    await lost;
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "session" });
    await expect.poll(() => one.state, { timeout: 5_000 }).toBe("connected");
    expect(one.traits.crashReleaseMs).toBe(1.25 * 10_000 + 100);
  });

  test("goes on over connections that are cut every 400 ms: everybody gets the lock, one at a time, with greater tokens", async () => {
    const url = server.url();
    const four = await Promise.all(Array.from({ length: 4 }, () => throughProxy(url)));
    const locks = await Promise.all(
      four.map(async (way) => (await start(way.url, { ttl: 8_000 })).getLock("x")),
    );
    const end = performance.now() + (short ? 1_500 : 5_000);
    const timers = four.map(({ proxy }, index) =>
      setInterval(() => {
        proxy.cut();
        proxy.heal();
      }, 400 + index),
    );
    onTestFinished(() => timers.forEach(clearInterval));
    let [inside, turns, last] = [0, 0, 0n];
    const wrong: unknown[] = [];
    await Promise.all(
      locks.map(async (lock) => {
        while (performance.now() < end) {
          await lock.run(async ({ token }) => {
            inside += 1;
            turns += 1;
            if (inside > 1 || token <= last) wrong.push({ inside, token, last });
            last = token;
            await new Promise(setImmediate);
            inside -= 1;
          });
        }
      }),
    );
    expect(wrong).toEqual([]);
    expect(turns).toBeGreaterThan(20);
    expect(contendersOf(await administrator.children(folderOf(url, "x")))).toEqual([]);
  });
});

describe("an answer that gets lost", () => {
  test("of who gave up meanwhile leaves no node", async () => {
    const url = server.url();
    const { url: way, proxy } = await throughProxy(url);
    const [one, other] = [await start(way), await start(url)];
    const { forwarded, cut } = proxy.swallow(asks(1, "__lock__"));
    const controller = new AbortController();
    const asked = one.getLock("x").acquire({ signal: controller.signal });
    await forwarded;
    controller.abort("enough");
    await expect(asked).rejects.toBe("enough");
    await cut;
    await (await other.getLock("x").acquire({ timeout: 5_000 })).release();
    await expect.poll(() => administrator.children(folderOf(url, "x"))).toEqual([]);
    await expect.poll(() => one.state).toBe("connected");
  });

  test("of an acquire is not read from a node with the same name that another session left", async () => {
    const url = server.url();
    const { url: way, proxy } = await throughProxy(url);
    const one = await start(way);
    await (await one.getLock("x").acquire()).release();
    const { forwarded, cut } = proxy.swallow(asks(1, "__lock__"));
    const asked = one.getLock("x").acquire();
    await forwarded;
    const folder = folderOf(url, "x");
    await expect.poll(async () => (await administrator.children(folder)).length).toBe(1);
    const [node = ""] = await administrator.children(folder);
    await administrator.delete(`${folder}/${node}`);
    await administrator.create(`${folder}/${node}`, "left");
    await cut;
    let granted = false;
    asked.then(() => (granted = true)).catch(() => {});
    await expect.poll(async () => (await administrator.children(folder)).length).toBe(2);
    expect(granted).toBe(false);
    await administrator.delete(`${folder}/${node}`);
    await (await asked).release();
  });

  test("of a node that is to say what is asked of a holder is asked for again", async () => {
    const url = server.url();
    const { url: way, proxy } = await throughProxy(url);
    const [holder, one] = [await start(url), await start(way)];
    const hold = await holder.getLock("x").acquire();
    const { cut } = proxy.swallow(asks(5, "__lock__"));
    const broken = one.getLock("x").break();
    await cut;
    expect(await broken).toMatchObject({ outcome: "released" });
    expect(hold.signal.reason).toMatchObject({ reason: "broken" });
  });
});

describe("a node", () => {
  test("has as token the number of the change that made it, whoever else changes something", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const names = Array.from({ length: 200 }, (_, index) => `x${index}`);
    const others = Promise.all(names.map((name) => other.getLock(`${name}-`).run(() => {})));
    const holds = await Promise.all(names.map((name) => one.getLock(name).acquire()));
    await others;
    for (const hold of holds) {
      const { holders } = await one.getLock(hold.name).inspect();
      expect(holders).toMatchObject([{ token: hold.token }]);
    }
    await Promise.all(holds.map((hold) => hold.release()));
  });

  test("of who waits that somebody removed costs its place, and nothing more", async () => {
    const url = server.url();
    const [holder, one, other] = [await start(url), await start(url), await start(url)];
    const hold = await holder.getLock("x").acquire();
    const served: string[] = [];
    const first = one.getLock("x").run(() => void served.push("first"));
    await waiters(holder, "x", 1);
    const second = other.getLock("x").run(() => void served.push("second"));
    await waiters(holder, "x", 2);
    const folder = folderOf(url, "x");
    const nodes = (await administrator.children(folder)).toSorted(byNumber);
    await administrator.delete(`${folder}/${nodes[1]}`);
    await hold.release();
    await Promise.all([first, second]);
    expect(served.toSorted()).toEqual(["first", "second"]);
  });

  test("whose number comes after the greatest there is, is behind it", async () => {
    const url = server.url();
    const one = await start(url);
    await (await one.getLock("x").acquire()).release();
    const folder = folderOf(url, "x");
    for (const number of ["-2147483647", "2147483646", "-2147483648", "2147483647"]) {
      await administrator.create(`${folder}/a__lock__${number}`, number);
    }
    const { holders, waiters: behind } = await one.getLock("x").inspect();
    expect([...holders, ...behind].map(({ member }) => member)).toEqual([
      "2147483646",
      "2147483647",
      "-2147483648",
      "-2147483647",
    ]);
  });

  test("of another kind, such as Curator's, is nobody's in line", async () => {
    const url = server.url();
    const one = await start(url);
    await (await one.getLock("x").acquire()).release();
    await administrator.create(`${folderOf(url, "x")}/lock-0000000000`, "other");
    await (await one.getLock("x").acquire({ timeout: 5_000 })).release();
    expect(await one.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
  });
});

describe("the folder of a lock", () => {
  test("is gone when its last user stops, and stays while others use it", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const [hold] = await Promise.all([
      other.getLock("y").acquire(),
      one.getLock("x").run(() => {}),
    ]);
    const waiting = one.getLock("y").acquire();
    waiting.catch(() => {});
    await waiters(other, "y", 1);
    await one.stop();
    const locks = folderOf(url, "").replace(/\/$/, "");
    expect(await administrator.children(locks)).toEqual(["y"]);
    await hold.release();
    await other.stop();
    expect(await administrator.children(locks)).toEqual([]);
  });

  test("that another one removes meanwhile is made again", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    for (let round = 0; round < 3; round++) {
      await (await lock.acquire()).release();
      await administrator.delete(folderOf(url, "x"));
      if (round === 1) await administrator.delete(folderOf(url, "").replace(/\/$/, ""));
    }
    const hold = await lock.acquire({ timeout: 5_000 });
    hold.assertHeld();
    await hold.release();
    expect(contendersOf(await administrator.children(folderOf(url, "x")))).toEqual([]);
  });

  test("stays where kazoo may use it", async () => {
    const url = server.url();
    for (const shared of [url.replace("zookeeper:", "kazoo:"), `${url}&keep_parents=true`]) {
      const one = await start(shared);
      await (await one.getLock("x").acquire()).release();
      await one.stop();
      const locks = folderOf(url, "").replace(/\/$/, "");
      expect(await administrator.children(locks)).toEqual(["x"]);
    }
  });
});

describe("a lock that one alone uses again and again", () => {
  async function often(lock: Lock): Promise<void> {
    for (let times = 0; times < 4; times++) await (await lock.acquire()).release();
  }

  test("takes a node made and a node deleted, and no list of who else is there", async () => {
    const isList = asks(12, "/locks/x");
    const requests = () => (bytes: Buffer) => Number(isList(bytes));
    const proxy = await TcpProxy.start({ port: server.port, requests });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const lock = (await start(proxy.through(server.url()))).getLock("x");
    await often(lock);
    const lists = proxy.traffic.requests;
    expect(lists).toBeGreaterThan(0);
    await often(lock);
    expect(proxy.traffic.requests).toBe(lists);
  });

  test("is not taken for free when another one came in between, who has it still or had it", async () => {
    const url = server.url();
    const [one, other] = [(await start(url)).getLock("x"), (await start(url)).getLock("x")];
    for (const shared of [false, true]) {
      await often(one);
      const hold = await other.acquire({ shared });
      expect(await one.tryAcquire()).toBeUndefined();
      const next = one.acquire();
      await hold.release();
      expect((await next).token).toBeGreaterThan(hold.token);
      await (await next).release();
      await often(one);
      const last = await other.acquire({ shared });
      await last.release();
      expect((await one.run(({ token }) => token)) > last.token).toBe(true);
    }
  });

  // A new one would count from zero, and the next number could be that of a node in it.
  test("has its folder kept by whoever may count on its numbers, until that one stops", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    await often(one.getLock("x"));
    await often(other.getLock("x"));
    await other.stop();
    expect(await administrator.children(folderOf(url, "x"))).toHaveLength(1);
    await administrator.delete(folderOf(url, "x"));
    const hold = await one.getLock("x").acquire();
    expect(contendersOf(await administrator.children(folderOf(url, "x")))).toMatchObject([
      // Four times each, and two guards.
      { number: 10 },
    ]);
    await hold.release();
    await one.stop();
    expect(await administrator.children(folderOf(url, "").replace(/\/$/, ""))).toEqual([]);
  });
});

describe("watches", () => {
  test("do not pile up at a node that is waited for again and again", async () => {
    const warned: Error[] = [];
    const listener = (warning: Error): void => void warned.push(warning);
    process.on("warning", listener);
    onTestFinished(() => void process.off("warning", listener));
    const url = server.url();
    const [holder, one] = [await start(url), await start(url)];
    const hold = await holder.getLock("x").acquire();
    for (let round = 0; round < 50; round++) {
      const signal = AbortSignal.timeout(5);
      await expect(one.getLock("x").acquire({ signal })).rejects.toThrow(/timeout/);
    }
    await hold.release();
    await (await one.getLock("x").acquire()).release();
    await new Promise(setImmediate);
    expect(warned).toEqual([]);
  });

  test("of a node that was gone before are forgotten, and those of others are not", () => {
    const watchers = new Watchers();
    const [one, other] = [(): void => {}, (): void => {}];
    watchers.add("/x", one);
    watchers.add("/x", other);
    watchers.refused("/x", one);
    expect(watchers.has("/x")).toBe(true);
    watchers.refused("/x", other);
    expect(watchers.has("/x")).toBe(false);
  });
});

function byNumber(one: string, two: string): number {
  return Number(one.slice(-10)) - Number(two.slice(-10));
}

async function waiters(coordinator: Coordinator, name: string, count: number): Promise<void> {
  const lock = coordinator.getLock(name);
  await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(count);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
