import { describe, expect, test } from "vitest";
import { canBreak, refuseBreak } from "./breaking.js";
import { reached, slack, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { refuseShared } from "./shared.js";
import { endsByTime } from "./victim.js";

/** What remains of holders and waiters that die without a word. */
export function describeDying(subject: Subject): void {
  describe("whoever is killed", { timeout: 60_000 }, () => {
    test("as a holder has left its name, and a lock that is free when its time is over", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const { crashReleaseMs, holderInfo } = coordinator.traits;
      const victim = await rig.victim("victim");
      await victim.acquire("x");
      const lock = coordinator.getLock("x");
      await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({
        code: "COORD_BUSY",
        message: expect.stringContaining(holderInfo.includes("member") ? "victim" : ""),
      });
      await victim.kill();
      const hold = await lock.acquire({ timeout: crashReleaseMs + slack });
      hold.assertHeld();
      await hold.release();
    });

    test("as a reader frees its own share and no other's", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      if (!coordinator.traits.shared) return refuseShared(coordinator);
      const victim = await rig.victim();
      await victim.acquire("x", { shared: true });
      const hold = await coordinator.getLock("x").acquire({ shared: true });
      await victim.kill();
      const writer = await rig.lock("x");
      const { crashReleaseMs } = coordinator.traits;
      expect(await writer.tryAcquire({ timeout: crashReleaseMs + 200 })).toBeUndefined();
      hold.assertHeld();
      await hold.release();
      await (await writer.acquire({ timeout: crashReleaseMs + slack })).release();
    });

    test("while waiting is in nobody's way, and three are not for three times as long", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const { crashReleaseMs } = coordinator.traits;
      const hold = await coordinator.getLock("x").acquire();
      const victims = await Promise.all([rig.victim(), rig.victim(), rig.victim()]);
      for (const victim of victims) {
        victim.acquire("x").catch(() => {});
        await reached(victim);
      }
      const next = await rig.start();
      const waiting = next.getLock("x").acquire({ timeout: crashReleaseMs + slack });
      waiting.catch(() => {});
      await reached(next);
      await Promise.all(victims.map((victim) => victim.kill()));
      await hold.release();
      expect(await waiting).toMatchObject({ name: "x" });
    });

    test("just when it would get the lock is passed over, or counts as a holder", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const { crashReleaseMs } = coordinator.traits;
      const lock = coordinator.getLock("x");
      for (let round = 0; round < (endsByTime(coordinator.traits) ? 1 : 5); round++) {
        const [hold, victim] = [await lock.acquire({ timeout: slack }), await rig.victim()];
        victim.acquire("x").catch(() => {});
        await reached(victim);
        const next = await rig.start();
        const waiting = next.getLock("x").acquire({ timeout: crashReleaseMs + slack });
        waiting.catch(() => {});
        await reached(next);
        const released = hold.release();
        await turns(round);
        await Promise.all([victim.kill(), released]);
        const granted = await waiting;
        expect(granted.assertHeld()).toEqual(expect.any(BigInt));
        await granted.release();
      }
    });

    test("does not answer break(), which has the lock when the time is over", async () => {
      const rig = new Rig(subject);
      const [coordinator, victim] = [await rig.start(), await rig.victim()];
      await victim.acquire("x");
      if (!canBreak(coordinator)) return refuseBreak(coordinator);
      await victim.kill();
      const lock = coordinator.getLock("x");
      const startedAt = performance.now();
      const { outcome } = await lock.break();
      const { traits } = coordinator;
      expect(performance.now() - startedAt).toBeLessThan(traits.crashReleaseMs + slack);
      expect(outcome).toMatch(endsByTime(traits) ? /^expired$/ : /^(free|expired)$/);
      await (await lock.acquire({ timeout: slack })).release();
    });
  });
}
