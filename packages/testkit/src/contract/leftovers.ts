import { getEventListeners } from "node:events";
import type { Lock } from "@coord/core";
import { describe, expect, test } from "vitest";
import { CountingClock } from "./counting-clock.js";
import { reached, slack, turns, untilReached } from "./meanwhile.js";
import { openIn, openedSince } from "./resources.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** How many wait at once, each for a name of its own, and how often. */
const [atOnce, rounds] = [100, 10];

/** That nothing piles up. */
export function describeLeftovers(subject: Subject): void {
  describe("leftovers", () => {
    test("thousands of holds and aborted waits leave no descriptor, listener, timer or place in line", async () => {
      const rig = new Rig(subject);
      const [clock, watched] = [new CountingClock(), new WatchedDriver(subject.driver)];
      const [coordinator, other] = [await rig.start({ clock }, watched.driver), await rig.start()];
      const names = Array.from({ length: atOnce }, (_, index) => `x${index}`);
      // What a first use opens for good, it may keep.
      await (await coordinator.getLock("x0").acquire()).release();
      const first = await other.getLock("x0").acquire();
      await coordinator.getLock("x0").tryAcquire({ timeout: 1 });
      await first.release();
      const before = openIn(clock);
      await hold(coordinator.getLock("x0"), coordinator.traits.reach === "network");
      const holds = await Promise.all(names.map((name) => other.getLock(name).acquire()));
      const asked = watched.acquires;
      for (let round = 0; round < rounds; round++) {
        const controller = new AbortController();
        const { signal } = controller;
        const waits = names.map((name) =>
          coordinator.getLock(name).acquire({ signal, timeout: 3_600_000 }),
        );
        const settled = Promise.allSettled(waits);
        // On their way to the backend, or there.
        await (round % 2 === 0 ? turns(1) : reached(coordinator));
        controller.abort();
        const statuses = (await settled).map(({ status }) => status);
        expect(statuses).toEqual(names.map(() => "rejected"));
        expect(getEventListeners(signal, "abort")).toEqual([]);
      }
      // Those of `reached()` too. On a machine that is busy a late beat keeps some from the backend.
      const all = atOnce * rounds + (untilReached * rounds) / 2;
      expect(watched.acquires - asked).toBeGreaterThan(all / 2);
      expect(watched.acquires - asked).toBeLessThanOrEqual(all);
      await Promise.all(holds.map((held) => held.release()));
      // Somebody who gave up and is still in line would get it now, and keep it.
      for (const name of names) {
        await (await coordinator.getLock(name).acquire({ timeout: 2 * slack })).release();
        await (await other.getLock(name).acquire({ timeout: 2 * slack })).release();
      }
      expect(await openedSince(before, clock)).toEqual([]);
    });
  });
}

/** Acquires and releases some thousand times, with a signal for all of it. */
async function hold(lock: Lock, network: boolean): Promise<void> {
  // A network takes its time.
  const many = network || process.env["COORD_TEST_SHORT"] ? 1_000 : 10_000;
  const { signal } = new AbortController();
  for (let turn = 0; turn < many; turn++) {
    await (await lock.acquire({ signal, timeout: 3_600_000 })).release();
    // Where nothing takes longer than a promise, beats would have no turn.
    if (turn % 100 === 0) await turns(1);
  }
  expect(getEventListeners(signal, "abort")).toEqual([]);
}
