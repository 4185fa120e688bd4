import { setTimeout } from "node:timers/promises";
import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openerOf, request } from "./opened.js";
import { RedisServer } from "./redis-server.js";

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
