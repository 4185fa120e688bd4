import { describe, expect, test } from "vitest";
import { pass, slack } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import { isNoMatterOfTime } from "./cutting.js";
import { settled } from "./expiring.js";
import { Site } from "./site.js";
import { States } from "./states.js";

/** A backend that is away: whoever starts, whoever stops, whoever tries again and again. */
export function describeOutage(subject: Subject): void {
  describe("a backend that is away", { timeout: 60_000 }, () => {
    test("refuses whoever starts, once and in words; whoever stops does, in bounded time", async () => {
      const site = await Site.make(subject);
      const way = await site.way();
      const held = await site.lined();
      if (!held) return isNoMatterOfTime(site);
      await held.party.acquire("x");
      if (way) {
        way.line.cut();
        const refused = site.local({}, way.url);
        await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
        const attempts = way.line.proxy.attempts.length;
        expect(attempts).toBeLessThanOrEqual(5);
        await pass(300);
        expect(way.line.proxy.attempts.length).toBe(attempts);
      }
      held.line.stall();
      const stoppedAt = performance.now();
      await held.party.stop();
      // What core gives a session to give everything back.
      expect(performance.now() - stoppedAt).toBeLessThan(5_000 + slack / 2);
      await expect(held.party.assertHeld("x")).rejects.toMatchObject({ code: "COORD_LOST" });
      const next = await site.local();
      await next.acquire("x", { timeout: site.traits.crashReleaseMs + slack });
    });

    test("is tried again after delays that are drawn, not all the time, and found when it is back", async () => {
      const site = await Site.make(subject);
      const way = await site.way();
      if (!way) return isNeverAway(site);
      const [initialReconnectBackoff, maxReconnectBackoff] = [300, 1_500];
      const party = await site.local({ initialReconnectBackoff, maxReconnectBackoff }, way.url);
      const states = new States(party);
      await party.acquire("x");
      way.line.cut();
      await states.until("lost");
      const cutAt = performance.now();
      // One try may take several connections, one after the other.
      const delays = (): number[] => {
        const attempts = way.line.proxy.attempts.filter((at) => at > cutAt);
        const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
        return gaps.filter((gap) => gap > 50);
      };
      while (delays().length < 5 && performance.now() < cutAt + 2 * slack) await pass(20);
      expect(delays().length).toBeGreaterThanOrEqual(5);
      // Nobody else tries meanwhile, such as the session that is over.
      expect(Math.min(...delays())).toBeGreaterThan(initialReconnectBackoff - 5);
      // All of one length, they would bring back at once all who lost the backend together.
      expect(Math.max(...delays()) - Math.min(...delays())).toBeGreaterThan(20);
      way.line.heal();
      await states.until("connected");
      await party.acquire("x", { timeout: slack });
    });
  });
}

/** Where there is no way to it that could break, whoever starts finds it. */
async function isNeverAway(site: Site): Promise<void> {
  const party = await site.local();
  await settled(party);
  expect(party.coordinator.state).toBe("connected");
}
