import { expect, test } from "vitest";
import { contendersOf } from "../src/paths.js";

/** As ZooKeeper writes one: ten characters, the sign among them. */
function written(number: number): string {
  const digits = String(Math.abs(number));
  return number < 0 ? `-${digits.padStart(9, "0")}` : digits.padStart(10, "0");
}

test.each([
  ["after the greatest", [2_147_483_646, 2_147_483_647, -2_147_483_648, -2_147_483_647]],
  ["of fewer digits", [-1_000_000_000, -999_999_999, -10_000_000, -9_999_999]],
  ["before and after zero", [-2, -1, 0, 1]],
])("contenders with numbers %s are in their order", (_, numbers) => {
  const nodes = numbers.map((number) => `a-1__lock__${written(number)}`);
  const found = contendersOf(nodes.toReversed());
  expect(found.map(({ number }) => number)).toEqual(numbers);
});
