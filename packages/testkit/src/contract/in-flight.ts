import { describe, expect, test } from "vitest";
import { reached, slack, soon, turns } from "./meanwhile.js";
import { medianOf, moments } from "./moments.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** What becomes of a request when, somewhere on its way, nobody wants the lock any more. */
export function describeInFlight(subject: Subject): void {
  describe("a request on its way", () => {
    test("that is given up in the tick of the call, or in that in which the driver is asked, leaves nothing", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const [coordinator, other] = [await rig.start({}, watched.driver), await rig.lock("x")];
      const lock = coordinator.getLock("x");
      for (const isHeld of [false, true]) {
        for (const when of ["called", "asked"]) {
          const hold = isHeld ? await other.acquire({ timeout: slack }) : undefined;
          const controller = new AbortController();
          const giveUp = (): void => controller.abort("enough");
          watched.whenAsked = when === "asked" ? giveUp : undefined;
          const rejected = lock.acquire({ signal: controller.signal }).catch(asIs);
          if (when === "called") giveUp();
          expect(await soon(rejected)).toBe("enough");
          watched.whenAsked = undefined;
          await hold?.release();
          await (await other.acquire({ timeout: slack })).release();
          await (await lock.acquire({ timeout: slack })).release();
        }
      }
    });

    test("that is given up at any moment leaves the lock either held or free", async () => {
      const rig = new Rig(subject);
      const [lock, other] = [await rig.lock("x"), await rig.lock("x")];
      const takes = await medianOf(async () => (await lock.acquire()).release());
      for (const moment of moments(60, takes)) {
        const controller = new AbortController();
        const asked = lock.acquire({ signal: controller.signal });
        const over = asked.then((hold) => hold.release(), asIs);
        await moment();
        controller.abort("enough");
        expect([undefined, "enough"]).toContain(await over);
        await (await other.acquire({ timeout: slack })).release();
      }
    });

    test("when its coordinator stops, at any moment, leaves the lock free at once", async () => {
      const rig = new Rig(subject);
      const [coordinator, holder] = [await rig.start(), await rig.start()];
      const other = await rig.start();
      const takes = await medianOf(async () => (await other.getLock("x").acquire()).release());
      for (const moment of moments(24, takes)) {
        await coordinator.start();
        const hold = await holder.getLock("y").acquire({ timeout: slack });
        const asked = ["x", "y"].map((name) => coordinator.getLock(name).acquire());
        const over = Promise.allSettled(asked);
        await moment();
        await soon(coordinator.stop());
        await over;
        await hold.release();
        for (const name of ["x", "y"]) {
          const next = await other.getLock(name).tryAcquire();
          expect([name, next?.name]).toEqual([name, name]);
          await next?.release();
        }
      }
    });

    test("when its session ends, at any moment, leaves the lock free as soon as that is closed", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const options = { initialReconnectBackoff: 1, maxReconnectBackoff: 1 };
      const [coordinator, holder] = [await rig.start(options, watched.driver), await rig.start()];
      const other = await rig.start();
      const takes = await medianOf(async () => (await other.getLock("x").acquire()).release());
      for (const moment of moments(24, takes)) {
        const hold = await holder.getLock("y").acquire({ timeout: slack });
        const controller = new AbortController();
        const { signal } = controller;
        const asked = ["x", "y"].map((name) => coordinator.getLock(name).acquire({ signal }));
        const over = Promise.allSettled(asked);
        await moment();
        watched.disconnect();
        // Until core has heard of it: who waits is not given up, but asked for in the next session.
        await turns(1);
        await watched.closed;
        await hold.release();
        for (const name of ["x", "y"]) {
          const next = await other.getLock(name).tryAcquire();
          expect([name, next?.name]).toEqual([name, name]);
          await next?.release();
        }
        controller.abort();
        await over;
        watched.reconnect();
        await reached(coordinator);
      }
    });
  });
}

function asIs(reason: unknown): unknown {
  return reason;
}
