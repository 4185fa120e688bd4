import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { TcpProxy } from "@coord/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { RedisServer } from "./redis-server.js";
import { keyOf } from "./subject.js";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

async function start(url: string): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers: [redis], ttl: 20_000 });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

describe("stop() waits for what is being released", () => {
  test("together with others, at the end of a turn of the event loop", async () => {
    const url = server.url();
    const coordinator = await start(url);
    const names = ["x1", "x2", "x3"];
    const holds = await Promise.all(names.map((name) => coordinator.getLock(name).acquire()));
    // Promises are served before a turn ends.
    await Promise.resolve();
    for (const hold of holds) void hold.release();
    await coordinator.stop();
    expect(await server.client.exists(names.map((name) => keyOf(url, name)))).toBe(0);
  });

  test("by a script that the server has forgotten", async () => {
    const url = server.url();
    const coordinator = await start(url);
    const hold = await coordinator.getLock("x").acquire();
    await server.client.script("FLUSH");
    void hold.release();
    await coordinator.stop();
    expect(await server.client.exists(keyOf(url, "x"))).toBe(0);
  });

  test("over a connection that breaks: it is made anew, and asked again", async () => {
    await using proxy = await TcpProxy.start({ port: server.port });
    const url = server.url();
    const coordinator = await start(proxy.through(url));
    const hold = await coordinator.getLock("x").acquire();
    proxy.stall("toServer");
    const released = hold.release();
    const stopped = coordinator.stop();
    proxy.cut();
    proxy.heal();
    await Promise.all([released, stopped]);
    expect(await server.client.exists(keyOf(url, "x"))).toBe(0);
  });
});
