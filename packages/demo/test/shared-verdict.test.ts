import { describe, expect, test } from "vitest";
import type { Turn } from "../src/run.js";
import { sharedFigures } from "../src/shared-figures.js";
import type { Reading, SharedRun } from "../src/shared-run.js";
import { sharedVerdict } from "../src/shared-verdict.js";

const ms = (milliseconds: number): bigint => BigInt(milliseconds * 1e6);

/** All times are milliseconds. */
const turn = (process: number, wrote: number, asked: number, from: number, to: number): Turn => ({
  process,
  token: BigInt(from),
  wrote,
  asked: ms(asked),
  from: ms(from),
  to: ms(to),
});

const reading = (process: number, number: number, from: number, to: number): Reading => ({
  process,
  token: BigInt(from),
  asked: ms(from - 1),
  from: ms(from),
  to: ms(to),
  first: number,
  second: number,
});

/** Processes 1 and 2 took two turns each, 3 and 4 read before, after and between them. */
const [first, second, third, fourth] = [
  turn(1, 1, 20, 30, 40),
  turn(2, 2, 20, 60, 70),
  turn(1, 3, 50, 71, 80),
  turn(2, 4, 75, 100, 110),
] as const;
const readings = [
  reading(3, 0, 1, 10),
  reading(3, 0, 11, 25),
  reading(4, 0, 5, 15),
  reading(3, 1, 41, 50),
  reading(4, 1, 42, 52),
  reading(3, 1, 51, 55),
  reading(3, 3, 85, 95),
  reading(3, 4, 111, 120),
  reading(4, 4, 121, 130),
] as const;
const good: SharedRun = {
  expected: 4,
  final: 4,
  writers: [1, 2],
  turns: [first, second, third, fourth],
  readers: [3, 4],
  readings,
  ends: [1, 2, 3, 4].map((process) => ({ process, code: 0, signal: null })),
};

/** The good run with this changed, and the faults found in it. */
const faults = (change: Partial<SharedRun>): string[] =>
  sharedVerdict({ ...good, ...change }).flatMap(({ promise, fault }) =>
    fault === undefined ? [] : [`${promise}: ${fault}`],
  );

/** The readings of the good run, and one more. */
const and = (more: Reading): Partial<SharedRun> => ({ readings: [...readings, more] });

test("finds no fault in a good run, in whatever order it was reported", () => {
  expect(faults({})).toEqual([]);
  expect(faults({ readings: readings.toReversed(), turns: good.turns.toReversed() })).toEqual([]);
});

test("an addition was lost when the number is too small", () => {
  expect(faults({ final: 3 })).toEqual(["no addition was lost: the file says 3, not 4"]);
});

test("a reader saw the number change when it read two numbers", () => {
  expect(faults(and({ ...reading(4, 3, 86, 94), second: 4 }))).toEqual([
    "no reader saw the number change: process 4 read 3, then 4",
  ]);
});

describe("nobody was in together with a writer", () => {
  const promise = "nobody was in together with a writer";

  test("fails when a reader was let in to a writer", () => {
    expect(faults(and(reading(4, 0, 35, 45)))).toEqual([
      `${promise}: process 1 with token 30 and process 4 with 35 were in at once`,
    ]);
  });

  test("fails when a writer was let in to a reader, although a shorter reading began later", () => {
    expect(faults(and(reading(4, 0, 24, 31)))).toEqual([
      `${promise}: process 4 with token 24 and process 1 with 30 were in at once`,
    ]);
  });

  test("fails when two writers were in, although a reader was in between", () => {
    const turns = [first, second, third, { ...fourth, from: ms(80), token: 80n }];
    expect(faults({ turns })).toContain(
      `${promise}: process 1 with token 71 and process 2 with 80 were in at once`,
    );
  });
});

test("readers were not in together when they took turns", () => {
  const one = readings.filter(({ process }) => process === 3);
  expect(faults({ readings: one, readers: [3] })).toEqual([
    "readers were in together: none of 6 readings began while another reader was in",
  ]);
});

describe("every hold has a greater token than those before that exclude it", () => {
  const promise = "every hold has a greater token than those before that exclude it";

  test("fails when a reader has a smaller one than a writer before it", () => {
    expect(faults(and({ ...reading(4, 3, 86, 94), token: 71n }))).toEqual([
      `${promise}: process 1 with token 71 and process 4 with 71 were in one after the other`,
    ]);
  });

  test("fails when a writer has a smaller one than a reader before it, not only the last", () => {
    expect(faults(and({ ...reading(4, 0, 16, 26), token: 31n }))).toEqual([
      `${promise}: process 4 with token 31 and process 1 with 30 were in one after the other`,
    ]);
  });

  test("does not care for those of readers who may be together", () => {
    expect(faults(and({ ...reading(4, 0, 16, 26), token: 1n }))).toEqual([]);
  });
});

describe("every writer took all its turns while the readers went on", () => {
  const promise = "every writer took all its turns while the readers went on";

  test("fails when a writer took less than its share and another more", () => {
    const turns = [first, { ...second, process: 1 }, third, fourth];
    expect(faults({ turns })).toEqual([`${promise}: process 1 took 3 turns, not 2`]);
  });

  test("fails when a reader began after the first turn", () => {
    const late = readings.filter(({ process, from }) => process === 3 || from > first.to);
    expect(faults({ readings: late })).toEqual([
      `${promise}: process 4 had not begun to read before the first turn`,
    ]);
  });

  test("fails when a reader ended before the last turn", () => {
    expect(faults({ readings: readings.slice(0, -1) })).toEqual([
      `${promise}: process 4 no longer read after the last turn`,
    ]);
  });

  test("fails when there were no turns", () => {
    expect(faults({ turns: [], writers: [], expected: 0, final: 0 })).toEqual([
      `${promise}: process 3 had not begun to read before the first turn`,
    ]);
  });
});

test("all processes are to end by themselves", () => {
  const ends = good.ends.map((end) =>
    end.process === 4 ? { process: 4, code: null, signal: "SIGKILL" as const } : end,
  );
  expect(faults({ ends })).toEqual([
    "all processes ended by themselves: process 4 ended with SIGKILL",
  ]);
});

test("the figures count meetings of readers, and the waits of writers in time and in turns", () => {
  expect(sharedFigures(good)).toEqual([
    "  turns of writers                           4",
    "  readings                                   9",
    "  times readers were in together             4",
    "  wall time                           129.0 ms",
    "  a writer's wait, median              25.0 ms",
    "  a writer's wait, longest             40.0 ms",
    "  readings begun during a wait, most         3",
    "  turns begun during a wait, most            1",
  ]);
});
