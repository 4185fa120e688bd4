import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";

/** That the other tests can rely on what they were given. */
export function describeFactory(subject: Subject): void {
  describe("what the kit was given", { timeout: 30_000 }, () => {
    test("two URLs do not see each other's locks", async () => {
      const [one, other] = [new Rig(subject), new Rig(subject)];
      const [first, second] = [await one.lock("x"), await other.lock("x")];
      const holds = [await first.tryAcquire(), await second.tryAcquire()];
      expect(holds.map((hold) => typeof hold?.token)).toEqual(["bigint", "bigint"]);
      for (const hold of holds) await hold?.release();
    });

    test("two coordinators of one URL do", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      const hold = await first.acquire();
      expect(await second.tryAcquire()).toBeUndefined();
      await hold.release();
    });

    test("a process that imports the module sees the same locks, if the backend reaches beyond one", async () => {
      const rig = new Rig(subject);
      const [coordinator, taker] = [await rig.start(), await rig.taker()];
      const hold = await coordinator.getLock("x").acquire();
      const apart = coordinator.traits.reach === "process";
      expect((await taker.tryAcquire("x")) !== undefined).toBe(apart);
      if (apart) return;
      await hold.release();
      expect((await taker.tryAcquire("x"))?.token).toBeGreaterThan(hold.token);
    });
  });
}
