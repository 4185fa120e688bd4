import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openerOf, request } from "./opened.js";
import { RedisServer } from "./redis-server.js";
import { keyOf } from "./subject.js";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const soon = new AbortController().signal;

describe("a session that is over", () => {
  test("gives nothing back that the next one was granted for the same request", async () => {
    const url = server.url();
    const open = await openerOf(url);
    const one = await open();
    await server.client.set(keyOf(url, "x"), "theirs");
    const waiting = one.acquire(request("x", "o-1"));
    waiting.catch(() => {});
    await expect.poll(async () => (await one.inspect("x")).waiters.length).toBe(1);
    await server.client.del(keyOf(url, "x"));
    const next = await open(one);
    const granted = await next.acquire(request("x", "o-1"));
    expect(granted).toMatchObject({ token: expect.any(BigInt) });
    await one.close(soon);
    expect((await next.inspect("x")).holders).toHaveLength(1);
    await next.beat();
    if ("busy" in granted) return;
    expect(await granted.release(soon)).toBe("released");
    expect(await server.client.keys(`${keyOf(url, "x")}*`)).toEqual([`${keyOf(url, "x")}:token`]);
  });

  test("and was granted what it never heard of does not keep the next one waiting for it", async () => {
    const open = await openerOf(server.url());
    const one = await open();
    for (const mode of ["exclusive", "shared"] as const) {
      // As if the answer had got lost.
      await one.acquire(request(mode, mode, { mode }));
      const next = await open(one);
      const granted = await next.acquire(request(mode, mode, { wait: false }));
      expect(granted).toMatchObject({ token: expect.any(BigInt) });
    }
  });
});
