import { expect, test } from "vitest";
import { switchesOf } from "../src/switches.js";
import { TurnsLog } from "../src/turns-log.js";

const ns = (ms: number): bigint => BigInt(ms * 1e6);

/** A process's turns: asked, got and left at these milliseconds; as they come from another process. */
function log(...turns: readonly (readonly [asked: number, got: number, left: number])[]): TurnsLog {
  const own = new TurnsLog(new BigInt64Array(3));
  for (const [asked, got, left] of turns) own.add(ns(asked), ns(got), ns(left));
  return TurnsLog.of(own.instants());
}

test("counts changes of owner only, from release to the next grant, within the window", () => {
  const first = log([0, 1, 10], [11, 12, 20], [21, 44, 50]);
  const second = log([0, 23, 30], [31, 52, 60], [61, 101, 102]);
  const third = log([2, 31, 40], [41, 62, 70]);
  const { times, turns } = switchesOf([first, second, third], ns(5), ns(100));
  // 20 → 23, 30 → 31, 40 → 44, 50 → 52, 60 → 62; not 1's second turn, not the one after the end.
  expect(times).toEqual([3, 1, 4, 2, 2]);
  expect(turns).toEqual([2, 2, 2]);
});

test("a change at the very beginning counts from a release before it", () => {
  const { times } = switchesOf([log([0, 1, 4]), log([0, 6, 7])], ns(5), ns(10));
  expect(times).toEqual([2]);
});

test("one who got no turn waited to the end", () => {
  const busy = log([0, 1, 99]);
  const starved = log([10, 100, 101]);
  const { longestWait, turns, fairness } = switchesOf([busy, starved], ns(0), ns(60));
  expect(longestWait).toBe(50);
  expect(turns).toEqual([1, 0]);
  expect(fairness).toBe(0.5);
});

test("nobody at all is no error", () => {
  expect(switchesOf([log(), log()], 0n, 10n)).toEqual({
    times: [],
    longestWait: 0,
    turns: [0, 0],
    fairness: 1,
  });
});

test("two owners at once are no figures of a lock", () => {
  expect(() => switchesOf([log([0, 1, 10]), log([0, 9, 20])], ns(0), ns(60))).toThrow(
    "two processes had the lock at once",
  );
});
