import { check, virtualHistory, type RuleName } from "@coord/testkit/history";
import { describe, expect, test } from "vitest";
import { anybodyReleases } from "./broken/anybody-releases.js";
import type { Breakage } from "./broken/breakage.js";
import { grantedLate } from "./broken/granted-late.js";
import { handedLate } from "./broken/handed-late.js";
import { heardOnce } from "./broken/heard-once.js";
import { readersFirst } from "./broken/readers-first.js";
import { revived } from "./broken/revived.js";
import { secondHolder } from "./broken/second-holder.js";
import { toldLate } from "./broken/told-late.js";
import { tokensReused } from "./broken/tokens-reused.js";

/** Which rule must find it: others may, too. */
const caught: readonly (readonly [Omit<Breakage, "foundBy">, RuleName])[] = [
  [anybodyReleases, "taken"],
  [tokensReused, "tokens"],
  [heardOnce, "starvation"],
  [secondHolder, "overlap"],
  [revived, "overlap"],
  [grantedLate, "starvation"],
  [readersFirst, "order"],
  [toldLate, "signal"],
  [handedLate, "overlap"],
];

/** Faults of time alone: what they are not to do, no administrator has done. */
describe("within 30 seconds a history shows a driver broken that", { timeout: 30_000 }, () => {
  test.each(caught.map(([{ does, breaks }, rule]) => [does, rule, breaks] as const))(
    "%s, by the rule %s",
    async (_, rule, breaks) => {
      let found: RuleName[] = [];
      for (let seed = 0; seed < 1_000 && !found.includes(rule); seed++) {
        const lines = await virtualHistory(seed, { revoking: false, breaks });
        found = check(lines).map((violation) => violation.rule);
      }
      expect(found).toContain(rule);
    },
  );

  test("and the one that is not broken, with the same seeds, no rule", async () => {
    for (let seed = 0; seed < 30; seed++) {
      expect(check(await virtualHistory(seed, { revoking: false }))).toEqual([]);
    }
  });
});
