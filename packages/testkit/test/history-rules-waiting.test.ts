import type { Line } from "@coord/testkit/history";
import { describe, expect, test } from "vitest";
import { end, fault, found, history, hold, left, state, Story } from "./history/fixture.js";
import { unfairHistory, type Piece } from "./history/fixture.js";

const one = { pid: 1 };
const two = { pid: 2 };
const reader = { pid: 1, shared: true };
const otherReader = { pid: 2, shared: true };

describe("order", () => {
  const late = new Story(one).ask(0).step("queued", 5).granted(50, 2).held(51).release(52).lines;
  const early = hold(two, 1, [10, 20, 21], 22);

  test.each<[string, string[], Line[]]>([
    [
      "whoever is overtaken by another process is found, where order is promised",
      ["order 1"],
      history(late, early),
    ],
    ["elsewhere not", [], unfairHistory(late, early)],
    ["nor before it is known to be in line", [], history(hold(one, 2, [0, 50, 51], 52), early)],
    ["nor if it had trouble", [], history(late, early, fault("time", "pause", [11, 12], one))],
    ["nor if its session may be another", [], history(late, early, state(1, 12))],
    [
      "the other's trouble is no excuse",
      ["order 1"],
      history(late, early, fault("time", "pause", [11, 12], two)),
    ],
    [
      "nor is what was before",
      ["order 1"],
      history(fault("time", "pause", [-3, -2], one), late, early),
    ],
    [
      "readers do not overtake each other",
      [],
      history(
        new Story(reader).ask(0).step("queued", 5).granted(50, 2).held(51).release(52).lines,
        hold(otherReader, 1, [10, 20, 21], 22),
      ),
    ],
    [
      "in one process nobody overtakes, whatever is promised",
      ["order 1"],
      unfairHistory(hold(one, 2, [0, 50, 51], 52), hold({ ...one, hold: 2 }, 1, [10, 20, 21], 22)),
    ],
    [
      "but somebody who did not wait",
      [],
      history(
        hold({ ...one, wait: 0 }, 2, [0, 50, 51], 52),
        hold({ ...one, hold: 2 }, 1, [10, 20, 21], 22),
      ),
    ],
  ])("%s", (_, expected, lines) => {
    expect(found(lines)).toEqual(expected);
  });
});

describe("starvation", () => {
  const waiting = new Story(one).ask(0);

  test.each<[string, string[], Piece[]]>([
    ["of one who waits for ever is found", ["starvation 1"], [waiting.lines, end(1_001)]],
    [
      "and of one who waits for too long",
      ["starvation 1"],
      [hold(one, 1, [0, 1_001, 1_002], 1_003)],
    ],
    ["not of one who waits for long", [], [hold(one, 1, [0, 999, 1_000], 1_001)]],
    [
      "while something is wrong, time does not count",
      [],
      [waiting.lines, fault("time", "cut", [0, 500]), end(1_999)],
    ],
    [
      "after that it does",
      ["starvation 1"],
      [waiting.lines, fault("time", "cut", [0, 500]), end(2_001)],
    ],
    [
      "the dead do not wait",
      [],
      [waiting.lines, fault("time", "kill", [400, 401], one), end(9_000)],
    ],
    [
      "for others their death is an outage as long as it takes to find out",
      ["starvation 1"],
      [waiting.lines, fault("time", "kill", [400, 401], two), end(1_501)],
    ],
    [
      "a timeout ends in time",
      ["starvation 1"],
      [new Story({ ...one, wait: 50 }).ask(0).refused(1_051).lines],
    ],
    ["however late it is", [], [new Story({ ...one, wait: 5_000 }).ask(0).refused(5_500).lines]],
    [
      "so does an abort",
      ["starvation 1"],
      [new Story(one).ask(0).step("abort", 50).refused(1_051).lines],
    ],
  ])("%s", (_, expected, pieces) => {
    expect(found(history(...pieces))).toEqual(expected);
  });
});

test("leftovers of a process, or at the backend, are found, and where nothing is left none", () => {
  expect(found(history(left(1, 5, { descriptors: 2 }), left(0, 6, { keys: 1 })))).toEqual([
    "leftovers 1",
    "leftovers 0",
  ]);
  expect(found(history(left(1, 5, { descriptors: 0 }), left(0, 6, {})))).toEqual([]);
});
