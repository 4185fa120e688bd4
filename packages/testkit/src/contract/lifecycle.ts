import { isCoordError } from "@coord/core";
import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";

/** Starting and stopping, and what is left behind. */
export function describeLifecycle(subject: Subject): void {
  describe("a coordinator", () => {
    test("that stops gives back what it holds and ends whoever waits through it", async () => {
      const rig = new Rig(subject);
      const [coordinator, other] = [await rig.start(), await rig.start()];
      const held = ["a", "b", "c"].map((name) => coordinator.getLock(name));
      const holds = await Promise.all(held.map((lock) => lock.acquire()));
      const foreign = await other.getLock("d").acquire();
      const waiting = ["a", "d"].map((name) =>
        expect(coordinator.getLock(name).acquire()).rejects.toMatchObject({
          code: "COORD_STOPPED",
        }),
      );
      await coordinator.stop();
      await Promise.all(waiting);
      for (const hold of holds) {
        expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "closed" });
        expect(await other.getLock(hold.name).tryAcquire()).toMatchObject({ name: hold.name });
      }
      await foreign.release();
      expect(await other.getLock("d").tryAcquire()).toMatchObject({ name: "d" });
    });

    test("can be started again after it was stopped, and again, and its locks with it", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const lock = coordinator.getLock("x");
      for (let round = 0; round < 3; round++) {
        await (await lock.acquire()).release();
        await coordinator.stop();
        await expect(lock.acquire()).rejects.toMatchObject({ code: "COORD_STOPPED" });
        await coordinator.start();
      }
    });

    test("keeps its traits' word about shared locks", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const lock = coordinator.getLock("x");
      const codeOf = async (): Promise<unknown> => {
        try {
          await lock.acquire({ shared: true });
          return "granted";
        } catch (error) {
          return isCoordError(error) && error.code;
        }
      };
      const expected = coordinator.traits.shared ? "granted" : "COORD_UNSUPPORTED";
      expect([await codeOf(), await codeOf()]).toEqual([expected, expected]);
    });
  });
}
