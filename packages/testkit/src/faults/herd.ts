import { describe, expect, test } from "vitest";
import { pass, slack } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import { settled } from "./expiring.js";
import type { LocalParty } from "./party.js";
import { Site } from "./site.js";

const many = process.env["COORD_TEST_SHORT"] ? 20 : 50;

/** Fewer requests than that are not one of each. */
const few = many / 2;

/** A crowd that waits for one lock. */
export function describeHerd(subject: Subject): void {
  describe("a crowd that waits", { timeout: 120_000 }, () => {
    test("when the holder is killed: one of them gets it and, which is counted over a network, the others are not woken for nothing", async () => {
      // A busy machine puts off beats and has them counted together; a herd comes every time.
      let more = await requestsMore(subject);
      for (let again = 2; again > 0 && more >= few; again--) more = await requestsMore(subject);
      expect(more).toBeLessThan(few);
    });
  });
}

/** Has the holder of a crowd's lock killed. @returns how many requests more than usual there were then */
async function requestsMore(subject: Subject): Promise<number> {
  const site = await Site.make(subject);
  const way = await site.way();
  const holder = await site.mortal();
  await holder.acquire("x");
  const crowd: LocalParty[] = [];
  // All at once they would have to connect while this one process serves all of them.
  while (crowd.length < many) {
    const some = Array.from({ length: 10 }, () => site.local({}, way?.url));
    crowd.push(...(await Promise.all(some)));
  }
  let granted = 0;
  const waits = crowd.map(async (party) => {
    await party.acquire("x");
    granted += 1;
  });
  const first = Promise.any(waits);
  first.catch(() => {});
  const all = Promise.allSettled(waits);
  await Promise.all(crowd.map(settled));
  const counts: { at: number; requests: number }[] = [];
  const count = (): void => {
    const requests = way?.line.proxy.traffic.requests ?? 0;
    counts.push({ at: performance.now(), requests });
  };
  const timer = setInterval(count, 10);
  try {
    await pass(3 * site.beat);
    const before = [...counts];
    await holder.kill();
    const late = pass(site.traits.crashReleaseMs + slack).then(() => "nobody");
    expect(await Promise.race([first, late])).toBeUndefined();
    const at = performance.now();
    await pass(site.beat);
    count();
    expect(granted).toBe(1);
    // In as long a time there are as many beats.
    const between = (from: number, to: number): number => {
      const requests = (instant: number): number =>
        counts.findLast((each) => each.at <= instant)?.requests ?? counts[0]?.requests ?? 0;
      return requests(to) - requests(from);
    };
    const end = before.at(-1)?.at ?? 0;
    const whole = before.filter((each) => each.at + 2 * site.beat <= end);
    // Those who started together beat together, so one window may have them once more than another.
    const usual = Math.max(...whole.map((each) => between(each.at, each.at + 2 * site.beat)));
    const then = between(at - site.beat, at + site.beat);
    // Who looks by itself many times in a window may do so once or twice more in another.
    const looksOften = usual > 4 * many;
    return then - usual - (looksOften ? many : 0);
  } finally {
    clearInterval(timer);
    await Promise.all(crowd.map((party) => party.stop()));
    await all;
  }
}
