import { describe, expect, test } from "vitest";
import { slack, soon, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** Starting and stopping, sessions that end, and what is left behind. */
export function describeLifecycle(subject: Subject): void {
  describe("a coordinator", () => {
    test("that was not started makes no locks: COORD_NOT_STARTED", async () => {
      const coordinator = new Rig(subject).make();
      const refusal = expect.objectContaining({ code: "COORD_NOT_STARTED" });
      expect(() => coordinator.getLock("x")).toThrow(refusal);
      expect(() => coordinator.lock("{name}", { name: "x" })).toThrow(refusal);
      expect(coordinator.started).toBe(false);
      await coordinator.start();
      await (await coordinator.getLock("x").acquire()).release();
    });

    test("that requires what its backend promises starts, one that requires anything else does not: COORD_TRAITS", async () => {
      const rig = new Rig(subject);
      const { traits } = await rig.start();
      const content = await rig.start({ require: traits });
      expect(content.traits).toEqual(traits);
      const { fair, shared, crashReleaseMs } = traits;
      const wishes = [{ fair: !fair }, { shared: !shared }, { crashReleaseMs: crashReleaseMs / 2 }];
      for (const require of wishes) {
        const starting = rig.make({ require }).start();
        await expect(starting).rejects.toMatchObject({ code: "COORD_TRAITS" });
      }
    });

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

    test("that stops while it connects again ends whoever waits, and itself", async () => {
      const watched = new WatchedDriver(subject.driver);
      const coordinator = await new Rig(subject).start({}, watched.driver);
      watched.disconnect();
      await turns(1);
      const refused = coordinator
        .getLock("x")
        .acquire()
        .catch((error: unknown) => error);
      await soon(coordinator.stop());
      expect(await soon(refused)).toMatchObject({ code: "COORD_STOPPED" });
      expect(coordinator.state).toBe("stopped");
    });

    test("whose session ends has lost what it held, for good, and goes on in another", async () => {
      const rig = new Rig(subject);
      const watched = new WatchedDriver(subject.driver);
      const [coordinator, other] = [await rig.start({}, watched.driver), await rig.lock("x")];
      const lock = coordinator.getLock("x");
      const hold = await lock.acquire();
      const told = new Promise((resolve) => {
        hold.signal.addEventListener("abort", resolve);
      });
      watched.disconnect();
      await soon(told);
      const lost = { code: "COORD_LOST", reason: "session" };
      expect(hold.signal.reason).toMatchObject(lost);
      const between = await other.acquire({ timeout: slack });
      watched.reconnect();
      const waiting = lock.acquire();
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining(lost));
      await hold.release();
      between.assertHeld();
      await between.release();
      const next = await soon(waiting);
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining(lost));
      expect(next.token).toBeGreaterThan(hold.token);
      await next.release();
    });
  });
}
