import { readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { file } from "@coord/file";
import { connect, type Coordinator, type Hold } from "@coord/core";
import { LineProcess, Taker } from "@coord/testkit";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder, urlOf } from "./place.js";

async function started(folder: string, agentId = "me"): Promise<Coordinator> {
  const coordinator = await connect(urlOf(folder), { drivers: [file], agentId, ttl: 1_500 });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

async function taker(folder: string): Promise<Taker> {
  const started = await Taker.start({ module: "@coord/file", url: urlOf(folder) });
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

/** What the signal says when the hold is lost. */
function loss(hold: Hold): Promise<unknown> {
  return new Promise((resolve) => {
    hold.signal.addEventListener("abort", () => resolve(hold.signal.reason));
  });
}

/** Resolves when the process waits at the gate, or at the lock behind it: everybody else finds it busy. */
async function waitsFor(folder: string): Promise<void> {
  const coordinator = await started(folder, "witness");
  const lock = coordinator.getLock("x");
  for (;;) {
    const hold = await lock.tryAcquire({ shared: true });
    if (!hold) break;
    await hold.release();
  }
  await coordinator.stop();
}

describe("the gate", () => {
  test("lets a writer that waits in before the readers that come after it", async () => {
    const folder = temporaryFolder();
    const [one, two, three] = [await started(folder), await started(folder), await started(folder)];
    const order: string[] = [];
    const reader = await one.getLock("x").acquire({ shared: true });
    const writing = two.getLock("x").acquire();
    await waitsFor(folder);
    expect(await three.getLock("x").tryAcquire({ shared: true })).toBeUndefined();
    const reading = three.getLock("x").acquire({ shared: true });
    void writing.then(() => order.push("writer"));
    void reading.then(() => order.push("reader"));
    await reader.release();
    await (await writing).release();
    await (await reading).release();
    expect(order).toEqual(["writer", "reader"]);
  });

  test("does not make those who only try busy when nobody but a passer-by is there", async () => {
    const folder = temporaryFolder();
    const coordinators = await Promise.all(Array.from({ length: 8 }, () => started(folder)));
    const tries = async (coordinator: Coordinator): Promise<boolean[]> => {
      const got: boolean[] = [];
      for (let turn = 0; turn < 50; turn++) {
        const hold = await coordinator.getLock("x").tryAcquire({ shared: true });
        got.push(hold !== undefined);
        await hold?.release();
      }
      return got;
    };
    const all = (await Promise.all(coordinators.map(tries))).flat();
    expect(new Set(all)).toEqual(new Set([true]));
  });

  test.each([false, true])(
    "that somebody keeps who stands still is passed by (shared: %s)",
    async (shared) => {
      const folder = temporaryFolder();
      const holder = await taker(folder);
      await holder.acquire("x");
      const frozen = await taker(folder);
      const never = frozen.acquire("x");
      never.catch(() => {});
      await waitsFor(folder);
      await frozen.pause();
      const waiting = (await started(folder)).getLock("x").acquire({ shared });
      await holder.release("x");
      const hold = await waiting;
      expect(hold.shared).toBe(shared);
      frozen.resume();
      await hold.release();
      expect((await never).token).toBeGreaterThan(hold.token);
    },
  );
});

describe("readers", () => {
  test("in several processes hold together, and one that dies gives back only its own share", async () => {
    const folder = temporaryFolder();
    const [one, two] = [await taker(folder), await taker(folder)];
    await Promise.all([one.acquire("x", { shared: true }), two.acquire("x", { shared: true })]);
    const lock = (await started(folder)).getLock("x");
    expect((await lock.inspect()).holders).toHaveLength(2);
    await one.kill();
    expect(await lock.tryAcquire()).toBeUndefined();
    expect((await lock.inspect()).holders).toMatchObject([{ pid: two.pid, shared: true }]);
    await two.release("x");
    expect(await lock.inspect()).toEqual({ holders: [], waiters: [] });
    await (await lock.acquire()).release();
  });

  test("and Python's shared fcntl locks share, and exclude Python's writers", async () => {
    const folder = temporaryFolder();
    const program = `
import fcntl, sys
f = open(sys.argv[1], "r+")
for line in sys.stdin:
    try:
        fcntl.lockf(f, (fcntl.LOCK_SH if line == "read\\n" else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        print("locked", flush=True)
    except OSError:
        print("busy", flush=True)
`;
    const hold = await (await started(folder)).getLock("x").acquire({ shared: true });
    const command = "/usr/bin/python3";
    const python = LineProcess.start("-c", [program, join(folder, "x")], { command });
    onTestFinished(() => python[Symbol.asyncDispose]());
    python.send("read");
    expect(await python.next(/locked|busy/)).toBe("locked");
    python.send("write");
    expect(await python.next(/locked|busy/)).toBe("busy");
    await hold.release();
    python.send("write");
    expect(await python.next(/locked|busy/)).toBe("locked");
  });
});

describe("breaking", () => {
  test("asks the holder, in another process too, and says whose it was when it has it back", async () => {
    const folder = temporaryFolder();
    const holder = await taker(folder);
    const { token } = await holder.acquire("x");
    const lock = (await started(folder)).getLock("x");
    expect(await lock.break()).toMatchObject({
      outcome: "released",
      holders: [{ pid: holder.pid, token }],
    });
    expect(await holder.lost("x")).toMatchObject({ reason: "broken" });
    await (await lock.acquire({ timeout: 5_000 })).release();
  });

  test("asks all who share it, or only the one whose token is given", async () => {
    const folder = temporaryFolder();
    const [one, two, other] = [await started(folder), await started(folder), await started(folder)];
    const first = await one.getLock("x").acquire({ shared: true });
    const second = await two.getLock("x").acquire({ shared: true });
    const lock = other.getLock("x");
    expect(await lock.break({ token: first.token })).toMatchObject({
      outcome: "released",
      holders: [{ token: first.token }],
    });
    second.assertHeld();
    expect(await lock.break({ token: first.token })).toEqual({ outcome: "free", holders: [] });
    const third = await one.getLock("x").acquire({ shared: true });
    const lost = [loss(second), loss(third)];
    expect((await lock.break()).holders).toHaveLength(2);
    for (const reason of await Promise.all(lost))
      expect(reason).toMatchObject({ reason: "broken" });
  });

  test("a holder that stands still ends when that is killed", async () => {
    const folder = temporaryFolder();
    const holder = await taker(folder);
    await holder.acquire("x");
    await holder.pause();
    const lock = (await started(folder)).getLock("x");
    const breaking = lock.break();
    const records = (): string => readFileSync(join(folder, "x%info"), "utf8");
    await vi.waitFor(() => expect(records()).toContain('"broken":"asked"'));
    await holder.kill();
    expect(await breaking).toMatchObject({ outcome: "expired", holders: [{ pid: holder.pid }] });
  });

  test("a holder that stands still is given up after the ttl, and says what else there is", async () => {
    const folder = temporaryFolder();
    const holder = await taker(folder);
    await holder.acquire("x");
    await holder.pause();
    const lock = (await started(folder)).getLock("x");
    await expect(lock.break()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringContaining("force: true"),
    });
  });

  test("by force takes it at once: who held it is told, and the next token is greater", async () => {
    const folder = temporaryFolder();
    const holder = await taker(folder);
    const { token } = await holder.acquire("x");
    const lock = (await started(folder)).getLock("x");
    expect(await lock.break({ force: true, token: token - 1n })).toMatchObject({ outcome: "free" });
    expect(await lock.break({ force: true, token })).toMatchObject({
      outcome: "forced",
      holders: [{ pid: holder.pid, token }],
    });
    const next = await lock.acquire({ timeout: 0 });
    expect(next.token).toBeGreaterThan(token);
    expect(await holder.lost("x")).toMatchObject({ reason: "broken" });
    next.assertHeld();
    await next.release();
  });

  test("what is free says so, also when it was removed", async () => {
    const folder = temporaryFolder();
    const lock = (await started(folder)).getLock("x");
    expect(await lock.break()).toEqual({ outcome: "free", holders: [] });
    await (await lock.acquire()).release();
    expect(await lock.break({ force: true })).toEqual({ outcome: "free", holders: [] });
    unlinkSync(join(folder, "x"));
    expect(await lock.break()).toEqual({ outcome: "free", holders: [] });
  });
});
