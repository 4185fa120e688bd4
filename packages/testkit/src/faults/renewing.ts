import { describe, expect, test } from "vitest";
import { pass, slack, turns } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import type { Party } from "./party.js";
import { Site } from "./site.js";

/** What is held for long, and much of it; and tokens. */
export function describeRenewing(subject: Subject): void {
  describe("what is held", { timeout: 60_000 }, () => {
    test("for much longer than the ttl stays so, with its token; tokens of a name that nobody uses meanwhile go on growing; after stop() nothing more is said over a network", async () => {
      const site = await Site.make(subject);
      const way = await site.way();
      const [holder, other] = [await site.local({}, way?.url), await site.local()];
      const idle = await holder.acquire("idle");
      await holder.release("idle");
      const { token } = await holder.acquire("x");
      const times = process.env["COORD_TEST_SHORT"] ? 1.5 : 2.5;
      for (const end = performance.now() + times * site.ttl; performance.now() < end;) {
        await pass(site.ttl / 5);
        expect((await holder.assertHeld("x")).token).toBe(token);
        expect(await other.tryAcquire("x")).toBeUndefined();
      }
      expect((await holder.acquire("idle")).token).toBeGreaterThan(idle.token);
      await holder.stop();
      const traffic = way?.line.proxy.traffic;
      expect((await other.acquire("x", { timeout: slack })).token).toBeGreaterThan(token);
      await pass(2 * site.beat);
      expect(way?.line.proxy.traffic).toEqual(traffic);
      expect(way?.line.proxy.connections ?? []).toEqual([]);
    });

    test("is renewed together: thousands stay held and, over a network, cost no more round trips than ten", async () => {
      const site = await Site.make(subject);
      const way = await site.way();
      // What takes a busy machine long is not to be a matter of the lease.
      const holder = await site.local({ ttl: 10 * site.ttl }, way?.url);
      const beats = async (): Promise<number> => {
        const before = way?.line.proxy.traffic.roundTrips ?? 0;
        await pass(4 * site.beat);
        return (way?.line.proxy.traffic.roundTrips ?? 0) - before;
      };
      const acquire = async (from: number, to: number): Promise<void> => {
        for (let first = from; first < to; first += 250) {
          const names = Array.from(
            { length: Math.min(250, to - first) },
            (_, i) => `x${first + i}`,
          );
          await Promise.all(names.map((name) => holder.acquire(name)));
          // Where nothing takes longer than a promise, beats would have no turn.
          await turns(1);
        }
      };
      // Each file that is held is open.
      const many = process.env["COORD_TEST_SHORT"] || site.traits.reach === "host" ? 1_000 : 10_000;
      await acquire(0, 10);
      const few = await beats();
      await acquire(10, many);
      // What came with them may still be under way, on a busy machine for long; renewals come every time.
      await pass(site.beat);
      let all = await beats();
      for (let again = 5; again > 0 && all > 3 * few + 4; again--) all = await beats();
      expect(all).toBeLessThanOrEqual(3 * few + 4);
      for (let index = 0; index < many; index++) await holder.assertHeld(`x${index}`);
    });
  });

  describe("tokens", { timeout: 60_000 }, () => {
    test("of many who ask at once, in several processes, are all different and grow, also when one starts again", async () => {
      const site = await Site.make(subject);
      const start = (): Promise<Party> => (site.apart ? site.taker() : site.local());
      const four = await Promise.all(Array.from({ length: 4 }, start));
      const taken: { at: bigint; token: bigint }[] = [];
      const storm = async (party: Party, turns: number): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) {
          taken.push(await party.acquire("x"));
          await party.release("x");
        }
      };
      await Promise.all(four.map((party) => storm(party, 20)));
      await Promise.all(four.map((party) => party.stop()));
      await storm(await start(), 1);
      const inTime = taken.toSorted((one, two) => (one.at < two.at ? -1 : 1));
      const tokens = inTime.map(({ token }) => token);
      expect(tokens).toHaveLength(81);
      expect(tokens).toEqual([...new Set(tokens)].toSorted((one, two) => (one < two ? -1 : 1)));
    });
  });
}
