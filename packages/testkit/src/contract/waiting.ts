import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";

/** How long a machine that is busy with other things may take over nothing, in milliseconds. */
const slack = 5_000;

/** Waiting for a lock, and giving up. */
export function describeWaiting(subject: Subject): void {
  describe("waiting", () => {
    test("tryAcquire() and a timeout of 0 do not wait", async () => {
      const rig = new Rig(subject);
      const hold = await (await rig.lock("x")).acquire();
      const lock = await rig.lock("x");
      const startedAt = performance.now();
      expect(await lock.tryAcquire()).toBeUndefined();
      expect(await lock.tryAcquire({ timeout: 0 })).toBeUndefined();
      await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({ code: "COORD_BUSY" });
      expect(performance.now() - startedAt).toBeLessThan(slack);
      await hold.release();
    });

    test("a timeout is waited for, not less and not much more, and then it is COORD_BUSY", async () => {
      const rig = new Rig(subject);
      const hold = await (await rig.lock("x")).acquire();
      const lock = await rig.lock("x");
      const startedAt = performance.now();
      await expect(lock.acquire({ timeout: 200 })).rejects.toMatchObject({ code: "COORD_BUSY" });
      expect(await lock.tryAcquire({ timeout: 100 })).toBeUndefined();
      const waited = performance.now() - startedAt;
      // Node's timers may fire within the millisecond before their time.
      expect(waited).toBeGreaterThanOrEqual(298);
      expect(waited).toBeLessThan(300 + slack);
      await hold.release();
    });

    test("whoever waits gets it when it is released, although nobody tries again by the clock", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      const hold = await first.acquire();
      const waiting = second.acquire();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await hold.release();
      const next = await waiting;
      expect(next.token).toBeGreaterThan(hold.token);
      await next.release();
    });

    test("an aborted wait rejects with the signal's reason at once and is not granted later", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      const hold = await first.acquire();
      const controller = new AbortController();
      const waiting = second.acquire({ signal: controller.signal });
      const rejected = waiting.catch((reason: unknown) => reason);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const abortedAt = performance.now();
      controller.abort("enough");
      expect(await rejected).toBe("enough");
      expect(performance.now() - abortedAt).toBeLessThan(slack);
      await hold.release();
      // Would the one that gave up still be in line, the lock would go to it first.
      const next = await (await rig.lock("x")).acquire({ timeout: slack });
      await next.release();
    });

    test("an abort at the very moment of the grant leaves the lock either held or free", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      for (let round = 0; round < 100; round++) {
        const hold = await first.acquire({ timeout: slack });
        const controller = new AbortController();
        const waiting = second.acquire({ signal: controller.signal });
        await new Promise(setImmediate);
        const released = hold.release();
        for (let tick = 0; tick < round % 20; tick++) await new Promise(setImmediate);
        controller.abort();
        await waiting.then(
          (late) => late.release(),
          () => {},
        );
        await released;
      }
      await expect(first.tryAcquire({ timeout: slack })).resolves.toMatchObject({ name: "x" });
    });
  });
}
