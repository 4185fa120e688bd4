import { describe, expect, test } from "vitest";
import { reached, slack, soon, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

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
      const controller = new AbortController();
      const rejected = lock.acquire({ signal: controller.signal }).catch(asIs);
      await turns(1);
      const abortedAt = performance.now();
      controller.abort("enough");
      expect(await rejected).toBe("enough");
      expect(performance.now() - abortedAt).toBeLessThan(slack);
      watched.reconnect();
      await (await lock.acquire({ timeout: slack })).release();
    });

    test("while others hold it rejects with the signal's reason at once, and is not granted later", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.start()];
      const hold = await first.acquire();
      const controller = new AbortController();
      const rejected = second.getLock("x").acquire({ signal: controller.signal }).catch(asIs);
      await reached(second);
      const abortedAt = performance.now();
      controller.abort("enough");
      expect(await rejected).toBe("enough");
      expect(performance.now() - abortedAt).toBeLessThan(slack);
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
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      for (let round = 0; round < 100; round++) {
        const hold = await first.acquire({ timeout: slack });
        const controller = new AbortController();
        const waiting = second.acquire({ signal: controller.signal });
        waiting.catch(() => {});
        await turns(1);
        const released = hold.release();
        await turns(round % 20);
        controller.abort();
        await waiting.then(
          (late) => late.release(),
          () => {},
        );
        await released;
      }
      expect(await first.tryAcquire({ timeout: slack })).toMatchObject({ name: "x" });
    });

    test("by a timeout at the very moment of the grant does too", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      for (let round = 0; round < 40; round++) {
        const hold = await first.acquire({ timeout: slack });
        const waiting = second.tryAcquire({ timeout: 1 + (round % 4) });
        waiting.catch(() => {});
        const until = performance.now() + 1 + (round % 5);
        while (performance.now() < until) await turns(1);
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

function asIs(reason: unknown): unknown {
  return reason;
}
