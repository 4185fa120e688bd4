import type { Coordinator, Hold, Lock, LossReason } from "@coord/core";
import { describe, expect, test } from "vitest";
import { reached, slack, soon } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** Holds that end by no fault of time and by no `break()`, where the traits say that they can. */
export function describeTakenAway(subject: Subject): void {
  describe("a hold that the backend takes away", () => {
    test("is told to its holder, with the reason", async () => {
      const { rig, lock, revocable, reason } = await taking(subject);
      const hold = await lock.acquire();
      if (!revocable) return cannotBeTaken(rig, hold);
      await takeAway(rig, hold);
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason });
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason }));
      expect(hold.remaining()).toBe(0);
    });

    test("cannot free its successor, which has a greater token", async () => {
      const { rig, coordinator, lock, revocable } = await taking(subject);
      const hold = await lock.acquire();
      if (!revocable) return cannotBeTaken(rig, hold);
      await takeAway(rig, hold);
      const successor = await (await rig.lock("x")).acquire({ timeout: slack });
      expect(successor.token).toBeGreaterThan(hold.token);
      await hold.release();
      // In the next session, where the last one ended.
      await reached(coordinator);
      expect(await lock.tryAcquire()).toBeUndefined();
      successor.assertHeld();
      await successor.release();
      await (await lock.acquire({ timeout: slack })).release();
    });

    test("cannot free its successor by a release that comes before the news", async () => {
      const { rig, watched, lock, revocable } = await taking(subject);
      if (!revocable) return cannotBeTaken(rig, await lock.acquire());
      for (const deaf of [false, true]) {
        const [hold, waiter] = [await lock.acquire({ timeout: slack }), await rig.start()];
        const waiting = waiter.getLock("x").acquire({ timeout: slack });
        waiting.catch(() => {});
        await reached(waiter);
        if (deaf) watched.deafen();
        await rig.revoke("x");
        if (deaf) await soon(waiting);
        // Of a session that is over the backend may not be able to say.
        await hold.release().catch(() => {});
        const successor = await soon(waiting);
        expect(successor.token).toBeGreaterThan(hold.token);
        expect(await (await rig.lock("x")).tryAcquire()).toBeUndefined();
        successor.assertHeld();
        await successor.release();
        await (await rig.lock("x")).run(() => {}, { timeout: slack });
      }
      expect(watched.releases).not.toContain("released");
    });

    test("makes run() reject COORD_LOST with what the body returned, or with the body's own error", async () => {
      const { rig, lock, revocable, reason } = await taking(subject);
      if (!revocable) return cannotBeTaken(rig, await lock.acquire());
      const lost = lock.run(async (hold) => {
        await takeAway(rig, hold);
        return "done all the same";
      });
      await expect(lost).rejects.toMatchObject({
        code: "COORD_LOST",
        reason,
        result: "done all the same",
      });
      const error = new Error("of the body");
      const failed = lock.run(async (hold) => {
        await takeAway(rig, hold);
        throw error;
      });
      await expect(failed).rejects.toBe(error);
    });
  });
}

interface Taking {
  readonly rig: Rig;
  readonly watched: WatchedDriver;
  readonly coordinator: Coordinator;
  /** The coordinator's "x". */
  readonly lock: Lock;
  /** Whether anything but `break()` can take it away. */
  readonly revocable: boolean;
  /** What its holder is told then. */
  readonly reason: LossReason;
}

async function taking(subject: Subject): Promise<Taking> {
  const rig = new Rig(subject);
  const watched = new WatchedDriver(subject.driver);
  const coordinator = await rig.start({}, watched.driver);
  const revocable = coordinator.traits.revocable.some((cause) => cause !== "break");
  const reason = subject.faults?.revokeReason ?? "taken";
  return { rig, watched, coordinator, lock: coordinator.getLock("x"), revocable, reason };
}

/** Takes it away and waits until its holder has heard of it. */
async function takeAway(rig: Rig, hold: Hold): Promise<void> {
  const told = new Promise((resolve) => {
    hold.signal.addEventListener("abort", resolve);
  });
  await rig.revoke(hold.name);
  await told;
}

/** That no fault takes it away, where the traits name none that could. */
async function cannotBeTaken(rig: Rig, hold: Hold): Promise<void> {
  await rig.subject.faults?.revoke?.(rig.url, hold.name);
  expect(await (await rig.lock(hold.name)).tryAcquire()).toBeUndefined();
  hold.assertHeld();
  await hold.release();
}
