import { setTimeout } from "node:timers/promises";
import { VirtualClock } from "@coord/core/memory";
import { TcpProxy } from "@coord/testkit";
import { expect, onTestFinished, test } from "vitest";
import { Restarts } from "../src/restarts.js";
import { openerOf, request } from "./opened.js";
import { RedisServer } from "./redis-server.js";
import { keyOf } from "./subject.js";

test("a server is not asked for locks until it is known when it was started, each time it is connected to", async () => {
  const clock = new VirtualClock();
  const restarts = new Restarts(clock, 1_500);
  restarts.connecting();
  expect(restarts.left).toBeGreaterThan(0);
  restarts.met({ run: "a", uptime: 60_000 });
  expect(restarts.left).toBe(0);
  restarts.connecting();
  expect(restarts.left).toBeGreaterThan(0);
  restarts.met({ run: "a", uptime: 61_000 });
  expect(restarts.left).toBe(0);
  restarts.connecting();
  restarts.met({ run: "b", uptime: 1_000 });
  expect(restarts.left).toBe(1_500);
  restarts.connecting();
  expect(restarts.left).toBe(1_500);
  restarts.met({ run: "b", uptime: 1_000 });
  await clock.advance(1_500);
  expect(restarts.left).toBe(0);
});

test("without restart_delay every server may be asked at once", () => {
  const restarts = new Restarts(new VirtualClock(), undefined);
  restarts.connecting();
  expect(restarts.left).toBe(0);
});

test("whoever looks again while a server that has forgotten everything is connected to has to wait, too", async () => {
  const server = await RedisServer.start();
  let other: RedisServer | undefined;
  const place = { port: server.port };
  const proxy = await TcpProxy.start(place);
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const each of [server, other]) await each?.[Symbol.asyncDispose]();
  });
  const url = server.url("&restart_delay=true&lock_timeout=2");
  await server.client.set(keyOf(url, "x"), "theirs");
  const session = await (await openerOf(proxy.through(url)))();
  // This one is young, too: it is asked when it no longer is, and then every 250 ms.
  const asked = session.acquire(request("x", "o-1"));
  await setTimeout(1_500);
  other = await RedisServer.start();
  place.port = other.port;
  const waiters = async (): Promise<number> => (await session.inspect("x")).waiters.length;
  await expect.poll(waiters, { timeout: 10_000, interval: 5 }).toBe(1);
  proxy.cut();
  proxy.heal();
  // The other one hears of us before it is looked again, and is known after that.
  proxy.delay(40);
  await setTimeout(800);
  expect(await other.client.exists(keyOf(url, "x"))).toBe(0);
  expect(await asked).toMatchObject({ token: expect.any(BigInt) });
  expect(await other.client.exists(keyOf(url, "x"))).toBe(1);
});
