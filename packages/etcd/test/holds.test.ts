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

async function start(url: string): Promise<Coordinator> {
  const coordinator = await connect(url, { drivers: [etcd], ttl: 10_000, heartbeat: 200 });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** A read of where one stands in the line of "x": of one more than the most that are told one by one. */
const look = (bytes: Buffer): boolean => bytes.toString("latin1").includes("/locks/x0\x18\x0a");

describe("what is held", () => {
  test("by one who did not want to wait stays, and is watched, when a question about it is not answered", async () => {
    const url = server.url();
    await using proxy = await TcpProxy.start({ port: server.port });
    const one = await start(proxy.through(url));
    const hold = await one.getLock("x").tryAcquire();
    proxy.cut();
    await expect.poll(() => one.state, { timeout: 5_000, interval: 1 }).toBe("suspended");
    // So that its key cannot be watched from where it was, and is asked for.
    const any = { key: Buffer.from("any"), value: Buffer.of() };
    await server.client.kv.put(any);
    const { header } = await server.client.kv.put(any);
    await server.client.kv.compact({ revision: header.revision, physical: true });
    proxy.heal();
    const { cut } = proxy.swallow(look);
    await cut;
    const other = await one.getLock("y").acquire({ timeout: 5_000 });
    await other.release();
    hold?.assertHeld();
    const keys = await server.client.getAll().prefix(lineOf(url, "x")).keys();
    expect(keys).toHaveLength(1);
    await server.client.delete().key(keys[0] ?? "");
    await expect
      .poll(() => hold?.signal.reason, { timeout: 5_000 })
      .toMatchObject({
        reason: "taken",
      });
  });

  test("is known to be lost when the server goes back to when it was not held, with the same lease", async () => {
    const own = await EtcdServer.start();
    onTestFinished(() => own[Symbol.asyncDispose]());
    const one = await start(own.url());
    await own.kill();
    own.keep();
    await own.restart();
    const hold = await one.getLock("x").acquire({ timeout: 10_000 });
    await own.kill();
    own.rollBack();
    await own.restart();
    await expect
      .poll(() => hold.signal.reason, { timeout: 5_000 })
      .toMatchObject({ reason: "taken" });
    const again = await one.getLock("x").acquire({ timeout: 5_000 });
    again.assertHeld();
  });
});
