import { check, type RuleName } from "@coord/testkit/history";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyHistory } from "./history/any-history.js";
import { slowCheck } from "./history/slow-check.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.info(`Random histories: COORD_TEST_SEED=${seed} repeats them.`);
const numRuns = short ? 2_000 : 20_000;

test("the checker finds in any history what a slow one finds, which looks at every hold with every other", () => {
  const counts = new Map<RuleName | "nothing", number>();
  const property = fc.property(anyHistory, (lines) => {
    const violations = check(lines);
    const found = violations.map(({ rule, request }) => `${rule} ${request?.pid}/${request?.hold}`);
    expect([...new Set(found)].toSorted()).toEqual(slowCheck(lines));
    const rules = new Set(violations.map(({ rule }) => rule));
    for (const rule of rules.size > 0 ? rules : (["nothing"] as const)) {
      counts.set(rule, (counts.get(rule) ?? 0) + 1);
    }
  });
  fc.assert(property, { seed, numRuns });
  // Else it would show nothing about them.
  const seldom = ["overlap", "tokens", "signal", "taken", "order", "starvation", "nothing"].filter(
    (rule) => (counts.get(rule as RuleName) ?? 0) < numRuns / 100,
  );
  expect(seldom).toEqual([]);
});
