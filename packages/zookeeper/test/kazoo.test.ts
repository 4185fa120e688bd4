import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Coordinator } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { LineProcess } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Administrator } from "./administrator.js";
import { folderOf } from "./subject.js";
import { ZooKeeperServer } from "./zookeeper-server.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
let server: ZooKeeperServer;
beforeAll(async () => {
  server = await ZooKeeperServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

async function start(url: string): Promise<Coordinator> {
  const options = { drivers: [zookeeper], ttl: 5_000, heartbeat: 300, agentId: "node" };
  const coordinator = await connect(url.replace("zookeeper:", "kazoo:"), options);
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** Debian's kazoo, with a lock at a path. */
async function python(path: string, kind = "Lock"): Promise<LineProcess> {
  const script = new URL("./taker.py", import.meta.url).pathname;
  const args = [String(server.port), path, kind];
  const kazoo = LineProcess.start(script, args, { command: "/usr/bin/python3" });
  onTestFinished(() => kazoo[Symbol.asyncDispose]());
  await kazoo.next("ready");
  return kazoo;
}

async function ask(kazoo: LineProcess, order: string): Promise<string> {
  kazoo.send(order);
  return kazoo.next(/^(acquired|busy|released|counted|contenders)/);
}

describe("kazoo", () => {
  test.each(["Lock", "WriteLock"])("and ours exclude each other both ways, by %s", async (kind) => {
    const url = server.url();
    const [one, kazoo] = [await start(url), await python(folderOf(url, "x"), kind)];
    const lock = one.getLock("x");
    const hold = await lock.acquire();
    expect(await ask(kazoo, "try")).toBe("busy");
    kazoo.send("acquire");
    await expect
      .poll(async () => (await lock.inspect()).waiters)
      .toMatchObject([{ member: "python", shared: false }]);
    await hold.release();
    await kazoo.next("acquired");
    expect(await lock.tryAcquire()).toBeUndefined();
    await expect(lock.acquire({ timeout: 50 })).rejects.toMatchObject({
      code: "COORD_BUSY",
      holders: [{ member: "python" }],
    });
    const next = lock.acquire();
    await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(1);
    expect(await ask(kazoo, "contenders")).toMatch(/^contenders python\|\{"member":"node"/);
    expect(await ask(kazoo, "release")).toBe("released");
    expect((await next).token).toBeGreaterThan(hold.token);
    await (await next).release();
  });

  test("is served with ours in the order in which they asked", async () => {
    const url = server.url();
    const ours = [await start(url), await start(url)];
    const theirs = [await python(folderOf(url, "x")), await python(folderOf(url, "x"))];
    const first = await (await start(url)).getLock("x").acquire();
    const served: string[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const turn of [0, 1]) {
      const mine = ours[turn]?.getLock("x").run(() => void served.push(`node ${turn}`));
      waiting.push(mine ?? Promise.resolve());
      const line = (count: number) =>
        expect
          .poll(async () => (await ours[0]?.getLock("x").inspect())?.waiters.length)
          .toBe(count);
      await line(2 * turn + 1);
      const kazoo = theirs[turn];
      kazoo?.send("acquire");
      waiting.push(
        (async () => {
          await kazoo?.next("acquired");
          served.push(`python ${turn}`);
          kazoo?.send("release");
        })(),
      );
      await line(2 * turn + 2);
    }
    await first.release();
    await Promise.all(waiting);
    expect(served).toEqual(["node 0", "python 0", "node 1", "python 1"]);
  });

  test("adds with ours to one number under contention, and no addition is lost", async () => {
    const folder = mkdtempSync(join(tmpdir(), "coord-count-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "number");
    writeFileSync(file, "0");
    const url = server.url();
    const turns = short ? 20 : 100;
    const count = async (): Promise<void> => {
      const lock = (await start(url)).getLock("x");
      for (let turn = 0; turn < turns; turn++) {
        await lock.run(() => writeFileSync(file, String(Number(readFileSync(file, "utf8")) + 1)));
      }
    };
    const theirs = async (): Promise<void> => {
      const kazoo = await python(folderOf(url, "x"));
      kazoo.send(`count ${file} ${turns}`);
      await kazoo.next("counted");
    };
    await Promise.all([count(), count(), theirs(), theirs()]);
    expect(readFileSync(file, "utf8")).toBe(String(4 * turns));
  });

  test("reads with our readers, and a writer of either waits for both", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const reader = await python(folderOf(url, "x"), "ReadLock");
    const writer = await python(folderOf(url, "x"), "WriteLock");
    const hold = await one.getLock("x").acquire({ shared: true });
    expect(await ask(reader, "acquire")).toBe("acquired");
    expect(await ask(writer, "try")).toBe("busy");
    expect(await other.getLock("x").tryAcquire()).toBeUndefined();
    await hold.release();
    expect(await ask(writer, "try")).toBe("busy");
    expect(await other.getLock("x").tryAcquire()).toBeUndefined();
    expect(await ask(reader, "release")).toBe("released");
    expect(await ask(writer, "acquire")).toBe("acquired");
    expect(await other.getLock("x").tryAcquire({ shared: true })).toBeUndefined();
    expect(await ask(writer, "release")).toBe("released");
    await (await other.getLock("x").acquire({ timeout: 5_000 })).release();
  });

  test("finds the nodes of locks that ours has used, so that a lock it made before goes on", async () => {
    const url = server.url();
    const kazoo = await python(folderOf(url, "x"));
    expect(await ask(kazoo, "acquire")).toBe("acquired");
    expect(await ask(kazoo, "release")).toBe("released");
    const one = await start(url);
    await (await one.getLock("x").acquire()).release();
    await one.stop();
    expect(await ask(kazoo, "acquire")).toBe("acquired");
    using administrator = await Administrator.connect(server.port);
    expect(await administrator.children(folderOf(url, "x"))).toHaveLength(1);
  });

  test("gives up its lock to break() by force, and is waited for without", async () => {
    const url = server.url();
    const [one, kazoo] = [await start(url), await python(folderOf(url, "x"))];
    const lock = one.getLock("x");
    expect(await ask(kazoo, "acquire")).toBe("acquired");
    const broken = lock.break();
    await expect
      .poll(async () => (await lock.inspect()).holders)
      .toMatchObject([{ member: "python" }]);
    expect(await ask(kazoo, "release")).toBe("released");
    expect(await broken).toMatchObject({ outcome: "released", holders: [{ member: "python" }] });
    expect(await ask(kazoo, "acquire")).toBe("acquired");
    expect(await lock.break({ force: true })).toMatchObject({ outcome: "forced" });
    await (await lock.acquire({ timeout: 5_000 })).release();
  });
});
