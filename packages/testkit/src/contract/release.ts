import type { Hold, Lock } from "@coord/core";
import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";
import { watch } from "./watched.js";

/** Giving back, and having nothing to give back any more. */
export function describeRelease(subject: Subject): void {
  describe("releasing", () => {
    test("twice, also at once, asks the backend once", async () => {
      const watched = watch(subject.driver);
      const lock = (await new Rig(subject).start({}, watched.driver)).getLock("x");
      const hold = await lock.acquire();
      await Promise.all([hold.release(), hold.release()]);
      await hold.release();
      await hold[Symbol.asyncDispose]();
      expect(watched.releases).toEqual(["released"]);
      await (await lock.acquire()).release();
    });

    test("that fails never hides what the body threw, nor what it returned", async () => {
      const watched = watch(subject.driver);
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
      const reported = messages.filter((message) => message.includes("no answer to the release"));
      expect(reported).toHaveLength(3);
      expect(watched.releases).toEqual(["released", "released", "released"]);
    });
  });

  describe("a hold that the backend takes away", () => {
    /** A lock that was held and taken away, or undefined where the traits say that nothing can. */
    async function takenAway(
      name: string,
    ): Promise<{ hold: Hold; rig: Rig; lock: Lock } | undefined> {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      if (coordinator.traits.revocable.every((cause) => cause === "break")) return undefined;
      const lock = coordinator.getLock(name);
      const hold = await lock.acquire();
      const told = new Promise((resolve) => {
        hold.signal.addEventListener("abort", resolve);
      });
      await rig.revoke(name);
      await told;
      return { hold, rig, lock };
    }

    test("is told to its holder, with the reason", async () => {
      const taken = await takenAway("x");
      if (!taken) return;
      expect(taken.hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
      expect(() => taken.hold.assertHeld()).toThrow(expect.objectContaining({ reason: "taken" }));
      expect(taken.hold.remaining()).toBe(0);
    });

    test("cannot free its successor, which has a greater token", async () => {
      const taken = await takenAway("x");
      if (!taken) return;
      const { hold, rig, lock } = taken;
      const successor = await (await rig.lock("x")).acquire();
      expect(successor.token).toBeGreaterThan(hold.token);
      await hold.release();
      expect(await lock.tryAcquire()).toBeUndefined();
      successor.assertHeld();
      await successor.release();
      await (await lock.acquire()).release();
    });

    test("makes run() reject COORD_LOST with what the body returned, or with the body's own error", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      if (coordinator.traits.revocable.every((cause) => cause === "break")) return;
      const lock = coordinator.getLock("x");
      const lose = async (hold: Hold): Promise<void> => {
        const told = new Promise((resolve) => {
          hold.signal.addEventListener("abort", resolve);
        });
        await rig.revoke("x");
        await told;
      };
      const lost = lock.run(async (hold) => {
        await lose(hold);
        return "done all the same";
      });
      await expect(lost).rejects.toMatchObject({
        code: "COORD_LOST",
        reason: "taken",
        result: "done all the same",
      });
      const error = new Error("of the body");
      const failed = lock.run(async (hold) => {
        await lose(hold);
        throw error;
      });
      await expect(failed).rejects.toBe(error);
    });
  });
}
