import type { Hold, Lock } from "@coord/core";
import { describe, expect, test } from "vitest";
import { slack } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** Giving back, and having nothing to give back any more. */
export function describeRelease(subject: Subject): void {
  describe("releasing", () => {
    test("twice, also at once, asks the backend once", async () => {
      const watched = new WatchedDriver(subject.driver);
      const lock = (await new Rig(subject).start({}, watched.driver)).getLock("x");
      const hold = await lock.acquire();
      await Promise.all([hold.release(), hold.release()]);
      await hold.release();
      await hold[Symbol.asyncDispose]();
      expect(watched.releases).toEqual(["released"]);
      await (await lock.acquire()).release();
    });

    test("that fails never hides what the body threw, nor what it returned", async () => {
      const watched = new WatchedDriver(subject.driver);
      const messages: string[] = [];
      const write = (message: string): void => void messages.push(message);
      const logger = { debug: write, info: write, warn: write, error: write };
      const lock = (await new Rig(subject).start({ logger }, watched.driver)).getLock("x");
      watched.failReleases = new Error("no answer to the release");
      const error = new Error("of the body");
      await expect(lock.run(() => Promise.reject(error))).rejects.toBe(error);
      await expect(lock.run(() => "value")).resolves.toBe("value");
      const inBlock = async (): Promise<void> => {
        await using hold = await lock.acquire();
        throw new Error(`of the block ${hold.name}`);
      };
      await expect(inBlock()).rejects.toThrow("of the block x");
      // What failed is done again until it is answered; only then it is free for the next.
      await (await lock.acquire({ timeout: slack })).release().catch(() => {});
      const reported = messages.filter((message) => message.includes("no answer to the release"));
      expect(reported.length).toBeGreaterThanOrEqual(3);
      expect(watched.releases.filter((answer) => answer === "released")).toHaveLength(4);
    });
  });

  describe("a hold that the backend takes away", () => {
    test("is told to its holder, with the reason", async () => {
      const { rig, lock, revocable } = await lockOf(subject);
      const hold = await lock.acquire();
      if (!revocable) return cannotBeTaken(rig, hold);
      await takeAway(rig, hold);
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "taken" }));
      expect(hold.remaining()).toBe(0);
    });

    test("cannot free its successor, which has a greater token", async () => {
      const { rig, lock, revocable } = await lockOf(subject);
      const hold = await lock.acquire();
      if (!revocable) return cannotBeTaken(rig, hold);
      await takeAway(rig, hold);
      const successor = await (await rig.lock("x")).acquire();
      expect(successor.token).toBeGreaterThan(hold.token);
      await hold.release();
      expect(await lock.tryAcquire()).toBeUndefined();
      successor.assertHeld();
      await successor.release();
      await (await lock.acquire()).release();
    });

    test("makes run() reject COORD_LOST with what the body returned, or with the body's own error", async () => {
      const { rig, lock, revocable } = await lockOf(subject);
      if (!revocable) return cannotBeTaken(rig, await lock.acquire());
      const lost = lock.run(async (hold) => {
        await takeAway(rig, hold);
        return "done all the same";
      });
      await expect(lost).rejects.toMatchObject({
        code: "COORD_LOST",
        reason: "taken",
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

/** A lock, and whether anything but `break()` can take it away. */
async function lockOf(subject: Subject): Promise<{ rig: Rig; lock: Lock; revocable: boolean }> {
  const rig = new Rig(subject);
  const coordinator = await rig.start();
  const revocable = coordinator.traits.revocable.some((cause) => cause !== "break");
  return { rig, lock: coordinator.getLock("x"), revocable };
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
