import { setTimeout } from "node:timers/promises";
import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { TcpProxy } from "@coord/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openerOf, request } from "./opened.js";
import { RedisServer } from "./redis-server.js";
import { keyOf } from "./subject.js";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const never = new AbortController().signal;

async function start(url: string, options: object): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers: [redis], ...options });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

describe("a writer", () => {
  test("waits for the last reader that lives, and no longer because another renewed and gave back", async () => {
    const [url, ttl] = [server.url(), 1_500];
    const open = await openerOf(url, ttl);
    const [dead, living] = [await open(), await open()];
    const writer = await start(url, { ttl, heartbeat: 200 });
    const grant = await living.acquire(request("x", "living", { mode: "shared" }));
    await dead.acquire(request("x", "dead", { mode: "shared" }));
    const diedAt = performance.now();
    const next = writer.getLock("x").acquire();
    await setTimeout(1_000);
    await living.beat();
    if ("busy" in grant) throw new Error("It is free.");
    expect(await grant.release(never)).toBe("released");
    await next;
    const waited = performance.now() - diedAt;
    expect(waited).toBeGreaterThan(ttl - 50);
    expect(waited).toBeLessThan(dead.traits.crashReleaseMs + 600);
  });
});

describe("who waits", () => {
  test("and becomes the next one because the one before it died looks again when the hold ends", async () => {
    await using proxy = await TcpProxy.start({ port: server.port });
    const url = server.url();
    await server.client.set(keyOf(url, "x"), "theirs", "PX", 2_000);
    const dead = await (await openerOf(proxy.through(url), 600))();
    const living = await (await openerOf(url))();
    dead.acquire(request("x", "dead")).catch(() => {});
    await expect.poll(async () => (await living.inspect("x")).waiters.length).toBe(1);
    proxy.stall();
    const asked = living.acquire(request("x", "living"));
    await expect.poll(async () => (await living.inspect("x")).waiters.length).toBe(2);
    await expect.poll(async () => (await living.inspect("x")).waiters.length).toBe(1);
    // The last one.
    await living.beat();
    expect(await within(3_000, asked)).toMatchObject({ token: expect.any(BigInt) });
  });

  test("and whose place is gone has one again by its next beat", async () => {
    const url = server.url();
    const open = await openerOf(url);
    const [holder, waiter] = [await open(), await open()];
    const held = await holder.acquire(request("x", "holder"));
    const asked = waiter.acquire(request("x", "waiter"));
    await expect.poll(async () => (await waiter.inspect("x")).waiters.length).toBe(1);
    await server.client.del(`${keyOf(url, "x")}:queue`);
    if ("busy" in held) throw new Error("It is free.");
    await held.release(never);
    await waiter.beat();
    expect(await within(1_000, asked)).toMatchObject({ token: expect.any(BigInt) });
  });

  test("and whose place is gone has one again when it looks again", async () => {
    const url = server.url();
    const waiter = await (await openerOf(url))();
    await server.client.set(keyOf(url, "x"), "theirs");
    const asked = waiter.acquire(request("x", "waiter"));
    await expect.poll(async () => (await waiter.inspect("x")).waiters.length).toBe(1);
    await server.client.del(keyOf(url, "x"), `${keyOf(url, "x")}:queue`);
    expect(await within(1_000, asked)).toMatchObject({ token: expect.any(BigInt) });
  });
});

function within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
  return Promise.race([answer, setTimeout(ms, undefined, { ref: false })]);
}
