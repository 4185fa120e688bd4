import { getEventListeners } from "node:events";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { pass, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";

/**
 * What is open in this process, counted: descriptors, where the system lists them, and by kind what
 * keeps the process running.
 */
function open(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (process.platform === "linux") counts.set("fd", readdirSync("/proc/self/fd").length);
  return counts;
}

/** That nothing piles up. */
export function describeLeftovers(subject: Subject): void {
  describe("leftovers", () => {
    test("thousands of holds and aborted waits leave no descriptor, listener, timer or place in line", async () => {
      const rig = new Rig(subject);
      const [coordinator, other] = [await rig.start(), await rig.start()];
      // A network takes its time.
      const { reach } = coordinator.traits;
      const many = reach === "network" || process.env["COORD_TEST_SHORT"] ? 1_000 : 10_000;
      const names = Array.from({ length: 10 }, (_, index) => `x${index}`);
      const lock = coordinator.getLock("x0");
      await (await lock.acquire()).release();
      const before = open();
      const { signal: whole } = new AbortController();
      for (let turn = 0; turn < many; turn++) {
        await (await lock.acquire({ signal: whole, timeout: 3_600_000 })).release();
        // Where nothing takes longer than a promise, beats would have no turn.
        if (turn % 100 === 0) await turns(1);
      }
      expect(getEventListeners(whole, "abort")).toEqual([]);
      const holds = await Promise.all(names.map((name) => other.getLock(name).acquire()));
      for (let round = 0; round < 10; round++) {
        const controller = new AbortController();
        const { signal } = controller;
        const waits = names.flatMap((name) =>
          Array.from({ length: 10 }, () =>
            coordinator.getLock(name).acquire({ signal, timeout: 3_600_000 }),
          ),
        );
        const settled = Promise.allSettled(waits);
        await turns(1);
        controller.abort();
        const statuses = (await settled).map(({ status }) => status);
        expect(statuses).toEqual(Array.from({ length: 100 }, () => "rejected"));
        expect(getEventListeners(signal, "abort")).toEqual([]);
      }
      await Promise.all(holds.map((hold) => hold.release()));
      // Somebody who gave up and is still in line would get it now, and keep it.
      for (const name of names) {
        await (await coordinator.getLock(name).acquire({ timeout: 10_000 })).release();
        await (await other.getLock(name).acquire({ timeout: 10_000 })).release();
      }
      await settledTo(before);
    });
  });
}

/** Closing takes the event loop some turns: waits until nothing is open that was not before. */
async function settledTo(before: ReadonlyMap<string, number>): Promise<void> {
  const more = (): [string, number][] =>
    [...open()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
  for (let turn = 0; turn < 200 && more().length > 0; turn++) await pass(20);
  expect(more()).toEqual([]);
}
