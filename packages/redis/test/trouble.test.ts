import { setTimeout } from "node:timers/promises";
import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { TcpProxy } from "@coord/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { scripts } from "../src/scripts.js";
import { RedisServer } from "./redis-server.js";
import { keyOf } from "./subject.js";

const ttl = 1_500;
let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

async function start(url: string, options: object = {}): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers: [redis], ttl, heartbeat: 200, ...options });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

describe("the server", () => {
  test("that forgets its scripts is told them again, with many on the way", async () => {
    const coordinator = await start(server.url());
    const names = Array.from({ length: 50 }, (_, index) => `x${index}`);
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        server.client.script("FLUSH"),
        ...names.map(async (name) => (await coordinator.getLock(name).acquire()).release()),
      ]);
    }
    expect(coordinator.state).toBe("connected");
  });

  test("that hears of a lock by a beat before it hears of the script to acquire it takes nothing away", async () => {
    await using proxy = await TcpProxy.start({ port: server.port });
    const coordinator = await start(proxy.through(server.url()), { heartbeat: 10 });
    const lock = coordinator.getLock("x");
    proxy.delay(10);
    for (let round = 0; round < 20; round++) {
      await server.client.script("FLUSH");
      await server.client.script("LOAD", scripts.renew.lua);
      const hold = await lock.acquire();
      // A few beats.
      await setTimeout(50);
      expect(hold.remaining()).toBeGreaterThan(0);
      await hold.release();
    }
  });

  test("that hears the script to acquire it only after the abort keeps nothing for whoever gave up", async () => {
    await using proxy = await TcpProxy.start({ port: server.port });
    const coordinator = await start(proxy.through(server.url()), { ttl: 20_000 });
    await (await coordinator.getLock("x").acquire()).release();
    proxy.delay(20);
    await server.client.script("FLUSH");
    await server.client.script("LOAD", scripts.release.lua);
    const asked = coordinator.getLock("y").acquire({ signal: AbortSignal.timeout(10) });
    await expect(asked).rejects.toMatchObject({ name: "TimeoutError" });
    // All that is on its way has arrived.
    await setTimeout(300);
    expect(await server.client.keys("*:{y}")).toEqual([]);
  });

  test("that is asked for many locks at once keeps none of those that are given up in the same tick", async () => {
    const url = server.url();
    const coordinator = await start(url, { ttl: 20_000 });
    const controller = new AbortController();
    const { signal } = controller;
    const asked = Array.from({ length: 100 }, (_, index) =>
      coordinator.getLock(`x${index}`).acquire(index % 2 === 0 ? { signal } : {}),
    );
    const settled = Promise.allSettled(asked);
    controller.abort();
    const holds = (await settled).flatMap((each) =>
      each.status === "fulfilled" ? [each.value] : [],
    );
    expect(holds).toHaveLength(50);
    await Promise.all(holds.map((hold) => hold.release()));
    const { namespace } = Object.fromEntries(new URL(url).searchParams);
    await expect.poll(() => server.client.keys(`${namespace}:{x*}`)).toEqual([]);
  });

  test("that closes all connections is connected to again; holds stay, waits go on", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await server.client.call("CLIENT", "KILL", "TYPE", "pubsub");
    await state(one, "suspended");
    await state(one, "connected");
    await state(other, "connected");
    hold.assertHeld();
    await hold.release();
    expect((await next).token).toBeGreaterThan(hold.token);
  });

  test("that is killed and comes back with its data within the ttl has kept what was held", async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = own.url();
    // A busy machine takes its time to start a server.
    const [one, other] = [await start(url, { ttl: 10_000 }), await start(url, { ttl: 10_000 })];
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

  test("that comes back without its data has taken every hold: it is told, and the next token is greater", async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = own.url();
    // A busy machine takes its time to start a server.
    const [one, other] = [await start(url, { ttl: 10_000 }), await start(url, { ttl: 10_000 })];
    const hold = await one.getLock("x").acquire();
    await own.kill();
    await own.restart({ data: false });
    await state(other, "connected");
    const next = await other.getLock("x").acquire();
    expect(next.token).toBeGreaterThan(hold.token);
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
    await hold.release();
    next.assertHeld();
    await next.release();
  });

  test("that comes back without its data grants nothing for a ttl, with restart_delay", async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const url = own.url("&restart_delay=true");
    const one = await start(url);
    const hold = await one.getLock("x").acquire();
    await own.kill();
    let lastHeld = hold.assertHeld();
    await own.restart({ data: false });
    const third = await start(url);
    await expect(third.getLock("y").tryAcquire()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    const next = third.getLock("x").acquire();
    const looking = setInterval(() => {
      try {
        lastHeld = hold.assertHeld();
      } catch {
        clearInterval(looking);
      }
    }, 1);
    const second = await next;
    expect(second.assertHeld()).toBeGreaterThan(lastHeld);
    expect(() => hold.assertHeld()).toThrow(/no longer held/);
    await second.release();
  });
});

describe("a token", () => {
  test("is greater than the one stored, which is ahead of the server's clock", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    const ahead = (BigInt(Date.now()) + 3_600_000n) * 1000n;
    await server.client.set(`${keyOf(url, "x")}:token`, String(ahead));
    const tokens = [];
    for (const shared of [false, true, false]) {
      const hold = await lock.acquire({ shared });
      tokens.push(hold.token);
      await hold.release();
    }
    expect(tokens).toEqual([ahead + 1n, ahead + 2n, ahead + 3n]);
    const left = await server.client.pttl(`${keyOf(url, "x")}:token`);
    // A day longer than it is ahead.
    expect(left).toBeGreaterThan(24 * 3_600_000 + 3_500_000);
  });

  test("is of the server's clock where the one stored is behind it, or nonsense", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    for (const stored of ["5", "nonsense"]) {
      await server.client.set(`${keyOf(url, "x")}:token`, stored);
      const [seconds = 0] = await server.client.time();
      const hold = await lock.acquire();
      expect(hold.token).toBeGreaterThanOrEqual(BigInt(seconds) * 1_000_000n);
      await hold.release();
    }
  });
});

describe("a lock that another kind of program has", () => {
  test("is respected, named unknown, waited for and had after it", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    await server.client.set(keyOf(url, "x"), "theirs", "PX", 60_000, "NX");
    expect(await lock.tryAcquire()).toBeUndefined();
    await expect(lock.acquire({ timeout: 20 })).rejects.toMatchObject({
      code: "COORD_BUSY",
      holders: [{ member: "unknown" }],
    });
    const next = lock.acquire();
    await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(1);
    await server.client.del(keyOf(url, "x"));
    const hold = await next;
    expect(await server.client.set(keyOf(url, "x"), "theirs", "PX", 60_000, "NX")).toBeNull();
    await hold.release();
  });

  test("and that puts something else in its place spoils no lock that is asked for, held or given back with it", async () => {
    const url = server.url();
    const coordinator = await start(url);
    const names = Array.from({ length: 40 }, (_, index) => `x${index}`);
    await server.client.lpush(keyOf(url, "x20"), "theirs");
    const asked = await Promise.allSettled(
      names.map((name) => coordinator.getLock(name).acquire()),
    );
    const refused = names.filter((_, index) => asked[index]?.status === "rejected");
    expect(refused).toEqual(["x20"]);
    const holds = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const [x0, x1] = holds;
    await server.client.del(keyOf(url, "x0"));
    await server.client.lpush(keyOf(url, "x0"), "theirs");
    await aborted(x0?.signal ?? AbortSignal.abort());
    expect(x0?.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
    // Some beats.
    await setTimeout(500);
    for (const hold of holds.slice(1)) hold.assertHeld();
    await Promise.all(holds.slice(2).map((hold) => hold.release()));
    const kept = coordinator.getLock("x1").inspect();
    expect((await kept).holders).toMatchObject([{ token: x1?.token }]);
  });

  test("and that spoils one of those given back together has the others given back, and no loss told", async () => {
    const url = server.url();
    const coordinator = await start(url, { heartbeat: 15_000, ttl: 60_000 });
    const names = Array.from({ length: 40 }, (_, index) => `x${index}`);
    let spoilt = (): void => {};
    const isSpoilt = new Promise<void>((resolve) => (spoilt = resolve));
    let held = 0;
    const runs = names.map((name) =>
      coordinator.getLock(name).run(() => {
        held += 1;
        return isSpoilt;
      }),
    );
    await expect.poll(() => held).toBe(40);
    await server.client.del(keyOf(url, "x20"));
    await server.client.lpush(keyOf(url, "x20"), "theirs");
    spoilt();
    const ended = await Promise.allSettled(runs);
    const lost = ended.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(lost).toMatchObject([{ code: "COORD_LOST", reason: "taken" }]);
    expect(ended[20]?.status).toBe("rejected");
  });

  test("keeps who shares it out too", async () => {
    const url = server.url();
    const lock = (await start(url)).getLock("x");
    const hold = await lock.acquire({ shared: true });
    expect(await server.client.set(keyOf(url, "x"), "theirs", "PX", 60_000, "NX")).toBeNull();
    await hold.release();
    await server.client.set(keyOf(url, "x"), "theirs", "PX", 60_000, "NX");
    expect(await lock.tryAcquire({ shared: true })).toBeUndefined();
    expect(await lock.break({ force: true })).toMatchObject({ outcome: "forced" });
    await (await lock.acquire({ timeout: 5_000 })).release();
  });
});

describe("a server that cannot do its work", () => {
  test("because its memory is full is unavailable, not busy", async () => {
    const own = await RedisServer.start(["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]);
    onTestFinished(() => own[Symbol.asyncDispose]());
    const warned: string[] = [];
    const logger = { ...console, warn: (line: string) => void warned.push(line) };
    const coordinator = await start(own.url(), { logger });
    const lock = coordinator.getLock("x");
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const next = lock.acquire();
    await own.client.config("SET", "maxmemory", "0");
    await (await next).release();
  });

  test("because it has become a replica does not keep what is held: told in time, and had again after", async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const coordinator = await start(own.url());
    const hold = await coordinator.getLock("x").acquire();
    await own.client.replicaof("127.0.0.1", 1);
    await state(coordinator, "suspended");
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ reason: "expired" });
    const next = coordinator.getLock("x").acquire();
    await own.client.replicaof("NO", "ONE");
    expect((await next).token).toBeGreaterThan(hold.token);
  });

  test("because it is a replica is unavailable, and a warning says so", async () => {
    const own = await RedisServer.start(["--replicaof", "127.0.0.1", String(server.port)]);
    onTestFinished(() => own[Symbol.asyncDispose]());
    const warned: string[] = [];
    const logger = { ...console, warn: (line: string) => void warned.push(line) };
    const coordinator = await start(own.url(), { logger });
    expect(warned.join()).toMatch(/replica/);
    await expect(coordinator.getLock("x").tryAcquire()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
  });

  test("may evict locks: a warning says so", async () => {
    const own = await RedisServer.start([
      "--maxmemory",
      "50mb",
      "--maxmemory-policy",
      "allkeys-lru",
    ]);
    onTestFinished(() => own[Symbol.asyncDispose]());
    const warned: string[] = [];
    const logger = { ...console, warn: (line: string) => void warned.push(line) };
    await start(own.url(), { logger });
    expect(warned.join()).toMatch(/noeviction/);
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
