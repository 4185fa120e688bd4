import type { Coordinator, Lock } from "@coord/core";
import { describe, expect, test } from "vitest";
import { reached, slack, soon, turns } from "./meanwhile.js";
import { elapsed, median, moments } from "./moments.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** How soon an abort rejects, in milliseconds; on a busy machine not every time. */
const rejectsWithin = 50;

/** Aborts and timeouts, at any moment of the way to a lock. */
export function describeGivingUp(subject: Subject): void {
  describe("giving up", () => {
    test("before the call asks for nothing", async () => {
      const watched = new WatchedDriver(subject.driver);
      const lock = (await new Rig(subject).start({}, watched.driver)).getLock("x");
      const signal = AbortSignal.abort("enough");
      await expect(lock.acquire({ signal })).rejects.toBe("enough");
      await expect(lock.tryAcquire({ signal })).rejects.toBe("enough");
      await expect(lock.run(() => "not run", { signal })).rejects.toBe("enough");
      expect(watched.acquires).toBe(0);
    });

    test("while the coordinator connects again takes no longer than otherwise", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const lock = (await rig.start({}, watched.driver)).getLock("x");
      watched.disconnect();
      expect(await timeToGiveUp(lock, () => turns(1))).toBeLessThanOrEqual(rejectsWithin);
      watched.reconnect();
      await (await lock.acquire({ timeout: slack })).release();
    });

    test("while others hold it rejects with the signal's reason at once, and is not granted later", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.start()];
      const hold = await first.acquire();
      const lock = second.getLock("x");
      for (const asked of [() => turns(1), () => reached(second)]) {
        expect(await timeToGiveUp(lock, asked)).toBeLessThanOrEqual(rejectsWithin);
      }
      await hold.release();
      // Would the one that gave up still be in line, the lock would go to it first.
      const next = await (await rig.lock("x")).acquire({ timeout: slack });
      await next.release();
    });

    test("lets those behind move up, who are served as if nobody had been before them", async () => {
      const rig = new Rig(subject);
      const hold = await (await rig.lock("x")).acquire();
      const controller = new AbortController();
      const waiters = [await rig.start(), await rig.start(), await rig.start()];
      const [, , last] = waiters;
      const asked: Promise<unknown>[] = [];
      for (const waiter of waiters) {
        const options = waiter === last ? {} : { signal: controller.signal };
        asked.push(waiter.getLock("x").acquire(options).catch(asIs));
        await reached(waiter);
      }
      controller.abort("enough");
      expect(await soon(Promise.all(asked.slice(0, -1)))).toEqual(["enough", "enough"]);
      await hold.release();
      expect(await soon(Promise.all(asked.slice(-1)))).toMatchObject([{ name: "x" }]);
    });

    test("by an abort at the very moment of the grant leaves the lock either held or free", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.start()];
      const lock = second.getLock("x");
      const all = moments(100, await handingOver(first, second));
      for (const [round, moment] of all.entries()) {
        const hold = await first.acquire({ timeout: slack });
        const controller = new AbortController();
        const waiting = lock.acquire({ signal: controller.signal });
        const over = waiting.then((late) => late.release(), asIs);
        // Waiting at the backend, or still on its way there.
        await (round % 2 === 0 ? reached(second) : turns(1));
        const released = hold.release();
        await moment();
        controller.abort("enough");
        expect([undefined, "enough"]).toContain(await over);
        await released;
      }
      expect(await first.tryAcquire({ timeout: slack })).toMatchObject({ name: "x" });
    });

    test("by a timeout at the very moment of the grant does too", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.start()];
      // From a while before the timeout, so that the grant comes before it, to one after it.
      const [before, after] = [1.5 * (await handingOver(first, second)) + 1, 1];
      const timeout = Math.ceil(before) + 1;
      for (let round = 0; round < 40; round++) {
        const hold = await first.acquire({ timeout: slack });
        const waiting = second.getLock("x").tryAcquire({ timeout });
        waiting.catch(() => {});
        await elapsed(timeout - before + ((before + after) * round) / 40);
        await hold.release();
        await (await waiting)?.release();
      }
      expect(await first.tryAcquire({ timeout: slack })).toMatchObject({ name: "x" });
    });

    test("gives back what is granted when nobody waits for it any more", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const [slow, other] = [await rig.start({}, watched.driver), await rig.lock("x")];
      watched.keepAnswers();
      await expect(slow.getLock("x").acquire({ timeout: 100 })).rejects.toThrow(/./);
      watched.deliver();
      const hold = await other.acquire({ timeout: slack });
      await hold.release();
      await soon(slow.stop());
      expect(watched.releases).toEqual(["released"]);
    });
  });
}

/** How many milliseconds it takes to be told that one gave up, after `asked`, in the median of 50. */
async function timeToGiveUp(lock: Lock, asked: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const controller = new AbortController();
    const rejected = lock.acquire({ signal: controller.signal }).catch(asIs);
    await asked();
    const abortedAt = performance.now();
    controller.abort("enough");
    expect(await rejected).toBe("enough");
    times.push(performance.now() - abortedAt);
  }
  expect(Math.max(...times)).toBeLessThan(slack);
  return median(times);
}

/** How many milliseconds it takes from a release to the hold of who waited, in the median. */
async function handingOver(first: Lock, second: Coordinator): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 10; round++) {
    const hold = await first.acquire({ timeout: slack });
    const waiting = second.getLock("x").acquire({ timeout: slack });
    await reached(second);
    const releasedAt = performance.now();
    await hold.release();
    const next = await waiting;
    times.push(performance.now() - releasedAt);
    await next.release();
  }
  return median(times);
}

function asIs(reason: unknown): unknown {
  return reason;
}
