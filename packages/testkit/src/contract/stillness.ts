import type { Traits } from "@coord/core";
import { describe, expect, test } from "vitest";
import { slack } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { StoppableClock } from "./stoppable-clock.js";
import { WatchedDriver } from "./watched.js";

/** Holders that stand still for longer than the backend waits for them, and then go on. */
export function describeStillness(subject: Subject): void {
  describe("a holder that stands still", { timeout: 60_000 }, () => {
    test("has lost what another got meanwhile at its first look, and for good; else it still has it", async () => {
      const rig = new Rig(subject);
      const [coordinator, victim] = [await rig.start(), await rig.victim()];
      const { token } = await victim.acquire("x");
      await victim.pause();
      const { fates, within } = fatesOf(coordinator.traits);
      const next = await coordinator.getLock("x").tryAcquire({ timeout: within });
      expect(fates).toContain(next ? "lost" : "kept");
      victim.resume();
      if (!next) {
        await victim.assertHeld("x");
        await victim.release("x");
        await (await coordinator.getLock("x").acquire({ timeout: slack })).release();
        return;
      }
      expect(next.token).toBeGreaterThan(token);
      for (let look = 0; look < 3; look++) {
        await expect(victim.assertHeld("x")).rejects.toMatchObject({ code: "COORD_LOST" });
        // In a session that is alive again.
        await victim.acquire(`y${look}`);
      }
      await victim.release("x");
      next.assertHeld();
      expect(await (await rig.lock("x")).tryAcquire()).toBeUndefined();
      await next.release();
    });

    test("and releases before it looks frees what is its own, never what another got", async () => {
      const rig = new Rig(subject);
      const [clock, watched] = [new StoppableClock(), new WatchedDriver(subject.driver)];
      const [frozen, coordinator] = [await rig.start({ clock }, watched.driver), await rig.start()];
      const hold = await frozen.getLock("x").acquire();
      clock.stop();
      watched.deafen();
      const { liveness } = coordinator.traits;
      const { fates, within } = fatesOf(coordinator.traits);
      const next = await coordinator.getLock("x").tryAcquire({ timeout: within });
      // A client's library may keep a session although core's clock stands still.
      expect(liveness === "session" ? ["kept", "lost"] : fates).toContain(next ? "lost" : "kept");
      await hold.release();
      expect(watched.releases).toEqual([next ? "gone" : "released"]);
      const [third, fourth] = [await rig.lock("x"), await rig.lock("x")];
      const last = next ?? (await third.acquire({ timeout: slack }));
      expect(await fourth.tryAcquire()).toBeUndefined();
      last.assertHeld();
      await last.release();
      await (await fourth.acquire({ timeout: slack })).release();
    });
  });
}

/** What may become of the lock of one who stands still, and for how long to wait for that. */
function fatesOf({ liveness, crashReleaseMs }: Traits): {
  fates: readonly ("kept" | "lost")[];
  within: number;
} {
  switch (liveness) {
    case "kernel":
      return { fates: ["kept"], within: 300 };
    case "connection":
      // One that nobody answers on may be cut, or not.
      return { fates: ["kept", "lost"], within: crashReleaseMs + 1_000 };
    case "session":
    case "lease":
      return { fates: ["lost"], within: crashReleaseMs + slack };
  }
}
