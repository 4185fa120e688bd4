import { describe, expect, test } from "vitest";
import { pass, reached, slack, soon, turns } from "./meanwhile.js";
import { median, medianOf } from "./moments.js";
import { Rig, type Subject } from "./rig.js";
import { StoppableClock } from "./stoppable-clock.js";
import { WatchedDriver } from "./watched.js";

/** Waiting for a lock: for how long, and what ends it. */
export function describeWaiting(subject: Subject): void {
  describe("waiting", () => {
    test("tryAcquire() and a timeout of 0 do not wait", async () => {
      const rig = new Rig(subject);
      const [first, lock] = [await rig.lock("x"), await rig.lock("x")];
      const takes = await medianOf(async () => (await first.acquire()).release());
      const hold = await first.acquire();
      const refusal = { code: "COORD_BUSY" };
      const tries = [
        async () => expect(await lock.tryAcquire()).toBeUndefined(),
        async () => expect(await lock.tryAcquire({ timeout: 0 })).toBeUndefined(),
        () => expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject(refusal),
      ];
      // A refusal is one answer, or two where it says who the holder is.
      for (const each of tries) expect(await medianOf(each)).toBeLessThan(50 + 3 * takes);
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

    test("a timeout longer than timers can count, or without an end, waits for as long as it takes", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.start(), await rig.start()];
      const long = [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 2 ** 53, Infinity];
      const holds = await Promise.all(
        long.map((timeout) => first.getLock(`x${timeout}`).acquire({ timeout })),
      );
      const over: unknown[] = [];
      const waits = long.flatMap((timeout) => {
        const lock = second.getLock(`x${timeout}`);
        // The second of the two waits in line here, the first at the backend.
        const asked = [lock.acquire({ timeout }), lock.tryAcquire({ timeout })];
        return asked.map(async (waiting) => {
          const hold = await waiting.finally(() => over.push(timeout));
          await hold?.release();
          return hold?.name;
        });
      });
      const served = Promise.allSettled(waits);
      await reached(second);
      await pass(100);
      expect(over).toEqual([]);
      for (const hold of holds) await hold.release();
      const names = long.flatMap((timeout) => [`x${timeout}`, `x${timeout}`]);
      expect(await soon(served)).toEqual(names.map((value) => ({ status: "fulfilled", value })));
    });

    test("a timeout is one for all: for a new session, for the queue and for the answer", async () => {
      const watched = new WatchedDriver(subject.driver);
      const lock = (await new Rig(subject).start({}, watched.driver)).getLock("x");
      const timeouts = async (): Promise<unknown[]> => {
        const startedAt = performance.now();
        const refused: unknown = await lock.acquire({ timeout: 100 }).catch((error) => error);
        const waited = performance.now() - startedAt;
        return [waited >= 99 && waited < 100 + slack, refused];
      };
      watched.disconnect();
      const refusal = { code: "COORD_UNAVAILABLE" };
      expect(await timeouts()).toEqual([true, expect.objectContaining(refusal)]);
      await expect(lock.tryAcquire()).rejects.toMatchObject(refusal);
      watched.reconnect();
      const hold = await soon(lock.acquire());
      expect(await timeouts()).toEqual([true, expect.objectContaining({ code: "COORD_BUSY" })]);
      await hold.release();
      watched.keepAnswers();
      const code = expect.stringMatching(/^COORD_(BUSY|UNAVAILABLE)$/);
      expect(await timeouts()).toEqual([true, expect.objectContaining({ code })]);
      watched.deliver();
      await (await lock.acquire({ timeout: slack })).release();
    });

    test("a release wakes whoever waits, although its clock stands still: nobody tries again by the clock", async () => {
      const rig = new Rig(subject);
      const clock = new StoppableClock();
      const [first, second] = [await rig.lock("x"), await rig.start({ clock, ttl: 30_000 })];
      const times: number[] = [];
      for (let round = 0; round < 20; round++) {
        const hold = await first.acquire({ timeout: slack });
        const waiting = second.getLock("x").acquire();
        await reached(second);
        clock.stop();
        const releasedAt = performance.now();
        await hold.release();
        const next = await soon(waiting);
        times.push(performance.now() - releasedAt);
        clock.goOn();
        await next.release();
      }
      // What takes a moment on an idle machine; on a busy one, not every time.
      expect(median(times)).toBeLessThan(100);
    });

    test("a release between the try and the waiting is not missed", async () => {
      const rig = new Rig(subject);
      const clock = new StoppableClock();
      const first = await rig.lock("x");
      const second = (await rig.start({ clock, ttl: 30_000 })).getLock("x");
      for (let round = 0; round < 60; round++) {
        const hold = await first.acquire({ timeout: slack });
        clock.stop();
        const waiting = second.acquire();
        for (let step = 0; step < round % 6; step++) await Promise.resolve();
        await turns(Math.floor(round / 6));
        await hold.release();
        const next = await soon(waiting);
        expect(next.token).toBeGreaterThan(hold.token);
        clock.goOn();
        await next.release();
      }
    });

    test("goes on over the end of a session, in a new one", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const hold = await (await rig.lock("x")).acquire();
      const options = { initialReconnectBackoff: 1, maxReconnectBackoff: 1 };
      const waiting = (await rig.start(options, watched.driver)).getLock("x").acquire();
      watched.disconnect();
      await turns(1);
      await hold.release();
      watched.reconnect();
      const next = await soon(waiting);
      expect(next.assertHeld()).toEqual(expect.any(BigInt));
      await next.release();
    });
  });
}
