import { describe, expect, test } from "vitest";
import type { Run, Turn } from "../src/run.js";
import { verdict } from "../src/verdict.js";

const turn = (number: number, process: number, token: number, from: number, to: number): Turn => ({
  process,
  token: BigInt(token),
  wrote: number,
  asked: 90n,
  from: BigInt(from),
  to: BigInt(to),
});

/** Processes 1 and 2 took two turns each; 2 was killed in its second, which 3 took in its place. */
const first = turn(1, 1, 10, 100, 110);
const second = turn(2, 2, 11, 120, 130);
const third = turn(3, 1, 13, 160, 170);
const fourth = turn(4, 3, 14, 180, 190);
const good: Run = {
  expected: 4,
  final: 4,
  turns: [second, first, third, fourth],
  killed: { process: 2, token: 12n, read: 2, asked: 90n, from: 140n, to: 150n },
  ends: [
    { process: 1, code: 0, signal: null },
    { process: 2, code: null, signal: "SIGKILL" },
    { process: 3, code: 0, signal: null },
  ],
};

/** The good run with this changed, and the faults found in it. */
const faults = (change: Partial<Run>): string[] =>
  verdict({ ...good, ...change }).flatMap(({ promise, fault }) =>
    fault === undefined ? [] : [`${promise}: ${fault}`],
  );

test("finds no fault in a good run", () => {
  expect(faults({})).toEqual([]);
});

describe("no addition was lost", () => {
  test("fails when the number is too small, although all turns were reported", () => {
    expect(faults({ final: 3 })).toEqual(["no addition was lost: the file says 3, not 4"]);
  });

  test("fails when a turn is missing, although the number is right", () => {
    expect(faults({ turns: [first, second, third] })).toEqual([
      "no addition was lost: 3 turns were reported, not 4",
    ]);
  });

  test("fails when somebody added twice", () => {
    expect(faults({ final: 5 })).toEqual(["no addition was lost: the file says 5, not 4"]);
  });
});

describe("no token was given twice", () => {
  test("fails when two turns had the same", () => {
    expect(faults({ turns: [first, second, third, { ...fourth, token: 13n }] })).toContain(
      "no token was given twice: process 1 and process 3 had 13",
    );
  });

  test("fails when a turn had that of the killed process", () => {
    expect(faults({ turns: [first, second, { ...third, token: 12n }, fourth] })).toContain(
      "no token was given twice: process 1 and process 2 had 12",
    );
  });
});

describe("every turn has a greater token than the turn before", () => {
  const promise = "every turn has a greater token than the turn before";

  test("fails when a later turn has a smaller one", () => {
    const turns = [{ ...first, token: 11n }, { ...second, token: 10n }, third, fourth];
    expect(faults({ turns })).toEqual([`${promise}: 1 has 11, but 2 has 10`]);
  });

  test("fails when two turns wrote the same number", () => {
    const turns = [first, second, third, { ...fourth, wrote: 3 }];
    expect(faults({ turns })).toEqual([`${promise}: two turns wrote 3`]);
  });
});

describe("no two processes held the lock at once", () => {
  const promise = "no two processes held the lock at once";

  test("fails when one acquired it before the other released it", () => {
    const turns = [{ ...first, to: 121n }, second, third, fourth];
    expect(faults({ turns })).toEqual([
      `${promise}: process 1 and process 2 did, with tokens 10 and 11`,
    ]);
  });

  test("fails when one acquired it before the holder was killed", () => {
    const killed = { ...good.killed, from: 125n };
    expect(faults({ killed })).toEqual([
      `${promise}: process 2 and process 2 did, with tokens 11 and 12`,
    ]);
  });
});

describe("after the kill another went on where it was, with a greater token", () => {
  const promise = "after the kill another went on where it was, with a greater token";

  test("fails when nobody got the lock afterwards", () => {
    expect(faults({ expected: 2, final: 2, turns: [first, second] })).toEqual([
      `${promise}: nobody got the lock afterwards`,
    ]);
  });

  test("fails when the next had a smaller token, although greater than those of all turns", () => {
    const killed = { ...good.killed, token: 20n };
    expect(faults({ killed })).toEqual([`${promise}: the killed one had 20, the next 13`]);
  });

  test("fails when the killed process wrote after all", () => {
    const killed = { ...good.killed, read: 1 };
    expect(faults({ killed })).toEqual([`${promise}: the killed one had read 1, the next wrote 3`]);
  });
});

describe("all processes but the killed one ended by themselves", () => {
  const promise = "all processes but the killed one ended by themselves";
  const [one, two, three] = good.ends;
  if (!one || !two || !three) throw new Error("three processes ended");

  test("fails when another ended with a code", () => {
    const ends = [{ ...one, code: 1 }, two, three];
    expect(faults({ ends })).toEqual([`${promise}: process 1 ended with code 1`]);
  });

  test("fails when another had to be killed, as it did not end", () => {
    const ends = [one, two, { process: 3, code: null, signal: "SIGKILL" } as const];
    expect(faults({ ends })).toEqual([`${promise}: process 3 ended with SIGKILL`]);
  });

  test("fails when the one to be killed ended by itself", () => {
    const ends = [one, { ...two, code: 0, signal: null }, three];
    expect(faults({ ends })).toEqual([`${promise}: process 2 ended with code 0`]);
  });
});
