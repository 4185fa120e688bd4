import { expect, test } from "vitest";
import { checkVirtualHistories } from "@coord/testkit/history";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const count = short ? 40 : 200;
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));

/** Those with an odd seed take holds away, too. */
test(`histories of machines that are stopped, killed and cut off have no violation, ${count} seeds from ${seed} on`, async () => {
  const { histories, turns, faults, margins } = await checkVirtualHistories({ seed, count });
  expect(histories).toBe(count);
  // Without any they would show nothing.
  expect(turns).toBeGreaterThan(20 * count);
  for (const kind of ["pause", "cut", "kill"]) expect(faults.get(kind)).toBeGreaterThan(count);
  const afterCuts = margins.get("cut") ?? [];
  expect(afterCuts.length).toBeGreaterThan(0);
  expect(Math.min(...afterCuts)).toBeGreaterThanOrEqual(0);
}, 60_000);
