import { connect, type Coordinator } from "@coord/core";
import { redis } from "@coord/redis";
import { TcpProxy } from "@coord/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { RedisServer } from "./redis-server.js";

interface Moved {
  readonly coordinator: Coordinator;
  readonly warned: readonly string[];
  /** Makes the server a replica of another, which new connections lead to from now on if `found`. */
  readonly demote: (options: { found: boolean }) => Promise<void>;
}

async function start(): Promise<Moved> {
  const [server, other] = await Promise.all([RedisServer.start(), RedisServer.start()]);
  const place = { port: server.port };
  const proxy = await TcpProxy.start(place);
  const warned: string[] = [];
  const logger = { ...console, warn: (line: string) => void warned.push(line) };
  const coordinator = await connect(proxy.through(server.url()), {
    drivers: [redis],
    ttl: 5_000,
    logger,
  });
  onTestFinished(async () => {
    await coordinator.stop();
    await proxy[Symbol.asyncDispose]();
    for (const each of [server, other]) await each[Symbol.asyncDispose]();
  });
  return {
    coordinator,
    warned,
    async demote({ found }) {
      await server.client.replicaof("127.0.0.1", other.port);
      if (found) place.port = other.port;
    },
  };
}

describe("a server that has become a replica", () => {
  test("is noticed by whoever holds nothing and asks for a lock: the new master is asked", async () => {
    const { coordinator, demote } = await start();
    await demote({ found: true });
    const hold = await coordinator.getLock("x").acquire({ timeout: 3_000 });
    hold.assertHeld();
    expect(coordinator.state).toBe("connected");
  });

  test("is noticed by whoever only tries, too", async () => {
    const { coordinator, demote } = await start();
    await demote({ found: true });
    const lock = coordinator.getLock("x");
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await expect
      .poll(() => lock.tryAcquire().catch(() => undefined))
      .toMatchObject({ name: "x", token: expect.any(BigInt) });
    expect((await lock.inspect()).holders).toHaveLength(1);
    expect(coordinator.state).toBe("connected");
  });

  test("is connected to again and again by whoever waits, and warned of once", async () => {
    const { coordinator, warned, demote } = await start();
    await demote({ found: false });
    await expect(coordinator.getLock("x").acquire({ timeout: 1_000 })).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    expect(warned.filter((line) => line.includes("replica"))).toHaveLength(1);
  });
});
