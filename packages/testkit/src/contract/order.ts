import { describe, expect, test } from "vitest";
import { reached, soon, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";

/** Who gets it, of many who wait. */
export function describeOrder(subject: Subject): void {
  describe("those who wait", () => {
    test("in one coordinator are served in the order in which they asked", async () => {
      const rig = new Rig(subject);
      const lock = await rig.lock("x");
      const hold = await lock.acquire();
      const served: number[] = [];
      const asked = Array.from({ length: 20 }, (_, index) =>
        lock.run(() => void served.push(index)),
      );
      await hold.release();
      await soon(Promise.all(asked));
      expect(served).toEqual(asked.map((_, index) => index));
    });

    test("in different ones are served one at a release, and in order where the traits promise it", async () => {
      const rig = new Rig(subject);
      const holder = await rig.start();
      let hold = await holder.getLock("x").acquire();
      const served: number[] = [];
      const order = Array.from({ length: 8 }, (_, index) => index);
      const waiting = new Map<number, Promise<typeof hold>>();
      for (const index of order) {
        const coordinator = await rig.start();
        const asked = coordinator.getLock("x").acquire();
        const noted = asked.then((granted) => {
          served.push(index);
          return granted;
        });
        noted.catch(() => {});
        waiting.set(index, noted);
        await reached(coordinator);
      }
      while (waiting.size > 0) {
        const before = served.length;
        expect(before).toBe(order.length - waiting.size);
        await hold.release();
        hold = await soon(Promise.race(waiting.values()));
        // Whoever else believed to have it would say so now.
        await turns(5);
        const [index, ...others] = served.slice(before);
        expect(others).toEqual([]);
        waiting.delete(index ?? -1);
      }
      await hold.release();
      expect(holder.traits.fair ? served : served.toSorted((a, b) => a - b)).toEqual(order);
    });
  });
}
