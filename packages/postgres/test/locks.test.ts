import type { Claim } from "@coord/core/driver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NamedLock } from "../src/locks.js";
import type { Server } from "../src/server.js";
import { busy } from "../src/statements.js";
import { start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("readers of one session", () => {
  test("who try while a writer from elsewhere waits are told each time that it is busy", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire({ shared: true });
    const writer = other.getLock("x").acquire();
    await expect.poll(async () => (await one.getLock("x").inspect()).waiters.length).toBe(1);
    // Sooner than core gives up.
    const since = performance.now();
    for (let times = 0; times < 3; times++) {
      expect(await one.getLock("x").tryAcquire({ shared: true })).toBeUndefined();
    }
    expect(performance.now() - since).toBeLessThan(4_000);
    await hold.release();
    await (await writer).release();
  });

  test("do not wait with giving it back for one who joins meanwhile", async () => {
    const lock = (await start(server.url())).getLock("x");
    for (let times = 0; times < 10; times++) {
      const hold = await lock.acquire({ shared: true });
      const joining = lock.acquire({ shared: true });
      const released = hold.release().then(() => "released");
      const joined = await joining;
      const late = new Promise((resolve) => setTimeout(resolve, 2_000, "late"));
      expect(await Promise.race([released, late])).toBe("released");
      joined.assertHeld();
      await joined.release();
    }
  });
});

test("what is given back while another reader joins, who gives up, is said to be when the server has done it", async () => {
  let joined: ((answer: boolean) => void) | undefined;
  let done: ((answer: boolean) => void) | undefined;
  const lock = new NamedLock(1n, {
    server: {
      ask: async () => 7n,
      join: () => new Promise<boolean>((resolve) => (joined = resolve)),
      release: () => new Promise<boolean>((resolve) => (done = resolve)),
    } as unknown as Server,
    forget: () => {},
    drop: () => {},
    end: () => {},
  });
  const request = { wait: true, mode: "shared" };
  const [one, other] = [1, 2].map(() => ({ request, grant: () => {} }) as unknown as Claim);
  if (!one || !other) throw new Error("There are two.");
  lock.want(one);
  await new Promise(setImmediate);
  lock.want(other);
  let isGiven = false;
  const given = lock.release(one).then(() => (isGiven = true));
  lock.withdraw(other);
  joined?.(true);
  await new Promise(setImmediate);
  expect(isGiven).toBe(false);
  done?.(true);
  await given;
});

test("a try that is refused, or fails, is kept by nobody", async () => {
  for (const answer of [() => Promise.resolve(busy), () => Promise.reject(new Error("no"))]) {
    const dropped: Claim[] = [];
    const lock = new NamedLock(1n, {
      server: { try: answer, scrub: async () => {} } as unknown as Server,
      forget: () => {},
      drop: (claim) => void dropped.push(claim),
      end: () => {},
    });
    const claim = {
      request: { wait: false, mode: "exclusive" },
      refuse: () => {},
      fail: () => {},
    } as unknown as Claim;
    lock.want(claim);
    await expect.poll(() => dropped).toEqual([claim]);
  }
});
