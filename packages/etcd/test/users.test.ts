import { readFileSync } from "node:fs";
import { connect, type Coordinator } from "@coord/core";
import { etcd } from "@coord/etcd";
import { TcpProxy } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EtcdServer } from "./etcd-server.js";

async function works(url: string, options: object = {}): Promise<Coordinator> {
  const all = { drivers: [etcd], ttl: 1_000, heartbeat: 200, ...options };
  const coordinator = await connect(url, all);
  onTestFinished(() => coordinator.stop());
  const hold = await coordinator.getLock("door").acquire({ timeout: 2_000 });
  await hold.release();
  return coordinator;
}

async function follow(coordinator: Coordinator, states: string[]): Promise<void> {
  for await (const state of coordinator.states()) states.push(state);
}

describe("users", () => {
  let server: EtcdServer;
  const root = ["--user", "root:top"];
  beforeAll(async () => {
    server = await EtcdServer.start({ "auth-token-ttl": "3", "bcrypt-cost": "4" });
    server.ctl("user", "add", "root:top");
    server.ctl("user", "grant-role", "root", "root");
    server.ctl("auth", "enable");
    for (const line of commands()) server.ctl(...root, ...line);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const url = (namespace: string, password = "secret"): string =>
    `etcd://app:${password}@127.0.0.1:${server.port}?namespace=${namespace}`;

  test("may do all with the permissions that the README lists, and nothing elsewhere", async () => {
    const [one, other] = [await works(url("coord")), await works(url("coord"))];
    const lock = one.getLock("x");
    const hold = await lock.acquire();
    const shared = other.getLock("x").acquire({ shared: true });
    await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(1);
    await hold.release();
    const taken = await shared;
    expect(await lock.break()).toMatchObject({ outcome: "released" });
    expect(taken.signal.aborted).toBe(true);
    const again = await other.getLock("x").acquire();
    expect(await lock.break({ force: true })).toMatchObject({ outcome: "forced" });
    await again.release();
    await expect(works(url("theirs"))).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
  });

  test("are refused with a wrong password, which is in no message", async () => {
    const wrong = connect(url("coord", "guess"), { drivers: [etcd] });
    await expect(wrong).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await expect(wrong).rejects.not.toThrow(/guess/);
  });

  test("get a new token when the server forgets theirs, or changes what they may do: holds and waits go on", async () => {
    const [one, other] = [await works(url("coord")), await works(url("coord"))];
    const hold = await one.getLock("t").acquire();
    const waiting = other.getLock("t").acquire();
    // Of a token that nobody uses for three seconds nothing is left; ours is used, and lives.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    hold.assertHeld();
    server.ctl(...root, "role", "add", crypto.randomUUID());
    await (await one.getLock("u").acquire({ timeout: 2_000 })).release();
    await server.kill();
    await server.restart();
    await (await one.getLock("u").acquire({ timeout: 10_000 })).release();
    if (!hold.signal.aborted) hold.assertHeld();
    await hold.release();
    expect((await waiting).token).toBeGreaterThan(hold.token);
  });

  test("whose token ran out while they held something go on: what is new is watched, and asked for once", async () => {
    await using proxy = await TcpProxy.start({ port: server.port });
    const options = { ttl: 10_000, heartbeat: 500 };
    const one = await works(proxy.through(url("coord")), options);
    const other = await works(url("coord"), options);
    const third = await works(url("coord"), options);
    const kept = await one.getLock("a").acquire();
    const theirs = await third.getLock("b").acquire();
    const states: string[] = [];
    for (const coordinator of [one, other, third]) void follow(coordinator, states);
    // A beat needs no token, and a stream keeps the one that it began with.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const first = await other.getLock("c").acquire();
    const waiting = one.getLock("c").acquire();
    const asked = await one.getLock("d").acquire();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { bytesToServer } = proxy.traffic;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(proxy.traffic.bytesToServer - bytesToServer).toBeLessThan(2_000);
    expect(await third.getLock("d").break()).toMatchObject({ outcome: "released" });
    expect(asked.signal.aborted).toBe(true);
    await first.release();
    await (await waiting).release();
    for (const hold of [kept, theirs]) hold.assertHeld();
    expect(states).toEqual(["connected", "connected", "connected"]);
  });
});

/** Those of the README. */
function commands(): string[][] {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const lines = text.match(/^etcdctl (user|role) .*$/gm) ?? [];
  return lines.map((line) => line.split(" ").slice(1));
}
