import { describe, expect, test } from "vitest";
import { CountingClock } from "../contract/counting-clock.js";
import { pass } from "../contract/meanwhile.js";
import { openIn, openedSince } from "../contract/resources.js";
import type { Subject } from "../contract/rig.js";
import { isNoMatterOfTime } from "./cutting.js";
import { settled } from "./expiring.js";
import { Site } from "./site.js";

/** How many names are held, and waited for by another. */
const many = 20;

/** That what is made anew is not there twice. */
export function describeLeaving(subject: Subject): void {
  describe("a connection that is made anew", { timeout: 60_000 }, () => {
    test("by a slow way, at any moment of what is held and waited for, leaves nothing behind once that is given back", async () => {
      const site = await Site.make(subject);
      const clock = new CountingClock();
      const options = { ttl: 5 * site.ttl, clock };
      const [held, waits] = [await site.lined(options), await site.lined(options)];
      if (!held || !waits) return isNoMatterOfTime(site);
      const lines = [held.line, waits.line];
      const names = Array.from({ length: many }, (_, index) => `x${index}`);
      const turn = async (meanwhile: () => Promise<void>): Promise<void> => {
        await Promise.all(names.map((name) => held.party.acquire(name)));
        const waiting = names.map((name) => waits.party.acquire(name));
        await meanwhile();
        await Promise.all(names.map((name) => held.party.release(name)));
        await Promise.all(waiting);
        await Promise.all(names.map((name) => waits.party.release(name)));
      };
      // What a first use opens for good, it may keep.
      await turn(() => pass(site.beat));
      await pass(3 * site.beat);
      const before = openIn(clock);
      for (const line of lines) line.proxy?.delay(20);
      const rounds = process.env["COORD_TEST_SHORT"] ? 2 : 5;
      for (let round = 0; round < rounds; round++) {
        await turn(async () => {
          // Who waits has been in line for a moment.
          await pass(40 + 10 * round);
          for (const line of lines) {
            line.cut();
            line.heal();
            line.proxy?.delay(20);
          }
          await Promise.all([settled(held.party), settled(waits.party)]);
        });
      }
      for (const line of lines) line.heal();
      // Until each has a connection again, and its beats have looked what is not needed.
      await pass(3 * site.beat);
      expect(await openedSince(before, clock)).toEqual([]);
    });
  });
}
