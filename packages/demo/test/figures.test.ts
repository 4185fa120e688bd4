import { expect, test } from "vitest";
import { figures } from "../src/figures.js";
import type { Turn } from "../src/run.js";

/** A turn that was asked for, began and ended at these milliseconds. */
const turn = (process: number, asked: number, from: number, to: number): Turn => ({
  process,
  token: BigInt(from),
  wrote: from,
  asked: BigInt(asked * 1e6),
  from: BigInt(from * 1e6),
  to: BigInt(to * 1e6),
});

test("counts only those handovers that somebody waited for, and the kill apart", () => {
  const turns = [
    turn(1, 0, 0, 10),
    turn(2, 5, 12, 20), // 2 ms after the release
    turn(2, 21, 22, 30), // no other owner
    turn(1, 60, 61, 70), // asked when the lock was free already
    turn(1, 80, 125, 140), // 25 ms after the kill
    turn(4, 120, 146, 200), // 6 ms after the release
  ];
  const killed = { ...turn(3, 65, 74, 100), read: 4 }; // 4 ms after the release
  expect(figures({ expected: 6, final: 6, turns, killed, ends: [] })).toEqual([
    "  turns                           6",
    "  wall time                200.0 ms",
    "  turns per second               30",
    "  changes of owner                5",
    "  handover, median           4.0 ms",
    "  handover, longest          6.0 ms",
    "  takeover after the kill   25.0 ms",
  ]);
});
