import { connect as connectTo } from "node:net";
import { connect, type Coordinator } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { Cable, Taker } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startEnsemble, type ZooKeeperServer } from "./zookeeper-server.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
if (short) console.info("COORD_TEST_SHORT: the ensemble of three is left out.");
const ttl = 1_500;
const options = { ttl, heartbeat: 200, initialReconnectBackoff: 50, maxReconnectBackoff: 300 };

describe.skipIf(short)("an ensemble of three", () => {
  let servers: ZooKeeperServer[];
  beforeAll(async () => {
    servers = await startEnsemble(Array.from({ length: 3 }, () => ({ host: "127.0.0.1" })));
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });

  async function start(url: string): Promise<Coordinator> {
    const coordinator = await connect(url, { drivers: [zookeeper], ...options, ttl: 4_000 });
    onTestFinished(() => coordinator.stop());
    return coordinator;
  }

  test("whose leader is killed chooses another; what is held stays, who waits is served, tokens grow", async () => {
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const url = `zookeeper://${hosts}?namespace=${crypto.randomUUID()}`;
    const [one, other] = [await start(url), await start(url)];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    // If this test fails before, it rejects when its coordinator stops.
    next.catch(() => {});
    const modes = await Promise.all(servers.map(modeOf));
    const leader = servers[modes.indexOf("leader")];
    expect(modes.filter((mode) => mode === "follower")).toHaveLength(2);
    await leader?.kill();
    // Nothing can be agreed on until there is another one, and each has to find it.
    for (const each of [one, other])
      await (await each.getLock("after").acquire({ timeout: 10_000 })).release();
    hold.assertHeld();
    expect(await other.getLock("x").tryAcquire()).toBeUndefined();
    await hold.release();
    const got = await next;
    expect(got.token).toBeGreaterThan(hold.token);
    await got.release();
    await leader?.restart();
  }, 40_000);
});

describe.skipIf(short || Cable.problem !== undefined)("a server that is cut off", () => {
  let cable: Cable;
  let servers: ZooKeeperServer[];
  beforeAll(async () => {
    cable = new Cable();
    // The first one never leads, and answers questions long after the others have given it up.
    servers = await startEnsemble(
      [{ host: cable.far, inside: cable.inside }, { host: cable.host }, { host: cable.host }],
      { syncLimit: 40 },
    );
  }, 60_000);
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    cable[Symbol.dispose]();
  });

  test("with its clients has them told before the majority grants to others, although it answers them", async () => {
    const namespace = crypto.randomUUID();
    const urls = servers.map(({ port }) => `zookeeper://127.0.0.1:${port}?namespace=${namespace}`);
    const taker = await Taker.start({
      module: "@coord/zookeeper",
      url: urls[0] ?? "",
      options,
      inside: cable.inside,
    });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    const coordinator = await connect(urls[1] ?? "", { drivers: [zookeeper], ...options });
    onTestFinished(() => coordinator.stop());
    for (let round = 0; round < 3; round++) {
      const name = `x${round}`;
      const { token } = await taker.acquire(name);
      const next = coordinator.getLock(name).acquire();
      await expect
        .poll(async () => (await coordinator.getLock(name).inspect()).waiters.length)
        .toBe(1);
      const [followed, lost] = [taker.follow(name), taker.lost(name)];
      // At any time between two beats.
      await new Promise((resolve) => setTimeout(resolve, 70 * round));
      cable.pull();
      const hold = await next;
      const at = hold.assertHeld();
      const last = (await followed).at;
      const { at: told, reason } = await lost;
      cable.plug();
      expect(reason).toBe("expired");
      expect(Number(at - last) / 1e6).toBeGreaterThan(0);
      expect(Number(at - told) / 1e6).toBeGreaterThan(0);
      console.info(`cut off: ${Number(at - last) / 1e6} ms, signal ${Number(at - told) / 1e6} ms`);
      expect(hold.token).toBeGreaterThan(token);
      await hold.release();
      await taker.acquire(`${name} again`);
    }
  }, 60_000);
});

/** What a server says it is. */
async function modeOf({ port }: ZooKeeperServer): Promise<string | undefined> {
  const socket = connectTo({ host: "127.0.0.1", port }).setEncoding("utf8");
  socket.end("srvr");
  let text = "";
  for await (const part of socket) text += part;
  return /^Mode: (\w+)$/m.exec(text)?.[1];
}
