import { checkHistories } from "@coord/testkit/history";
import { expect, test } from "vitest";
import { toySubject } from "./history/toy-subject.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const [count, ms] = short ? [1, 3_000] : [2, 5_000];
/** Of two seeds one is odd: then the server loses its data, too, and locks are revoked. */
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));

test(`histories of processes that are killed, stopped and cut off have no violation, ${count} seeds from ${seed} on`, async () => {
  const { turns, margins } = await checkHistories(toySubject, { seed, count, ms });
  // Without any they would show nothing.
  expect(turns).toBeGreaterThan(20);
  for (const each of margins.values()) expect(Math.min(...each)).toBeGreaterThan(0);
}, 120_000);
