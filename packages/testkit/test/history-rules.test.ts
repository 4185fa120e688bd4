import { check, fromText, reportOf, toText } from "@coord/testkit/history";
import { describe, expect, test } from "vitest";
import { alive, fault, found, history, hold, Story, type Piece } from "./history/fixture.js";

const one = { pid: 1 };
const two = { pid: 2 };
const reader = { pid: 1, shared: true };
const otherReader = { pid: 2, shared: true };

describe("overlap", () => {
  const first = hold(one, 1, [0, 1, 2, 10], 11);

  test.each<[string, string[], Piece[]]>([
    ["a second holder is found", ["overlap 2"], [first, hold(two, 2, [0, 5, 6], 20)]],
    [
      "and one that is there for one instant only",
      ["overlap 2"],
      [first, hold(two, 2, [0, 9, 9.5], 9.6)],
    ],
    ["a reader beside a writer, too", ["overlap 2"], [first, hold(otherReader, 2, [0, 5, 6], 20)]],
    [
      "readers are together",
      [],
      [hold(reader, 1, [0, 1, 2, 10], 11), hold(otherReader, 2, [0, 5, 6], 20)],
    ],
    [
      "other names are others' business",
      [],
      [first, hold({ ...two, name: "y" }, 2, [0, 5, 6], 20)],
    ],
    ["what was never asserted is not believed", [], [first, hold(two, 2, [0, 10.5, 12], 20)]],
  ])("%s", (_, expected, pieces) => {
    expect(found(history(...pieces))).toEqual(expected);
  });

  test.each<[string, string[], Piece[]]>([
    [
      "a hold without an end is believed until its process is killed",
      ["overlap 2"],
      [fault("time", "kill", [40, 60], one)],
    ],
    ["not after that", [], [fault("time", "kill", [15, 60], one)]],
    ["nor after it was stopped", [], [fault("time", "pause", [15, 60], one)]],
    [
      "nor if it still looked while the order was on its way",
      [],
      [fault("time", "kill", [9, 60], one)],
    ],
    ["again after it had gone on", ["overlap 2"], [fault("time", "pause", [3, 9], one)]],
    ["whoever else is killed", ["overlap 2"], [fault("time", "kill", [15, 60], two)]],
  ])("%s", (_, expected, pieces) => {
    const silent = hold(one, 1, [0, 1, 2, 10]);
    expect(found(history(silent, ...pieces, hold(two, 2, [0, 30, 31], 32)))).toEqual(expected);
  });

  test("a hold of which nothing is heard is believed for no longer than the margin", () => {
    const silent = hold(one, 1, [0, 1, 2, 10]);
    expect(found(history(silent, hold(two, 2, [0, 105, 106], 107)))).toEqual(["overlap 2"]);
    expect(found(history(silent, hold(two, 2, [0, 115, 116], 117)))).toEqual([]);
  });

  test.each<[string, string[], Piece]>([
    [
      "what was taken away before the next grant is left to the tokens",
      [],
      fault("revoked", "revoke", [4, 4.5], { name: "x" }),
    ],
    ["not if another name was", ["overlap 2"], fault("revoked", "revoke", [4, 4.5], { name: "y" })],
    ["nor if it was later than the grant", ["overlap 2"], fault("revoked", "revoke", [5.5, 5.6])],
    ["nor if it was asked back", ["overlap 2"], fault("asked", "break", [4, 4.5])],
    [
      "nor if it was over before the hold was asked for",
      ["overlap 2"],
      fault("revoked", "revoke", [-2, -1]),
    ],
  ])("%s", (_, expected, piece) => {
    expect(found(history(piece, first, hold(two, 2, [0, 5, 6], 20)))).toEqual(expected);
  });
});

describe("tokens", () => {
  test.each<[string, string[], Piece[]]>([
    [
      "that are used again are found",
      ["tokens 2"],
      [hold(one, 1, [0, 1, 2], 3), hold(two, 1, [0, 5, 6], 7)],
    ],
    [
      "and those that become less",
      ["tokens 2"],
      [hold(one, 5, [0, 1, 2], 3), hold(two, 4, [0, 5, 6], 7)],
    ],
    [
      "between a reader and a writer as well",
      ["tokens 2"],
      [hold(reader, 5, [0, 1, 2], 3), hold(two, 4, [0, 5, 6], 7)],
    ],
    [
      "not between readers",
      [],
      [hold(reader, 5, [0, 1, 2], 3), hold(otherReader, 4, [0, 5, 6], 7)],
    ],
    [
      "nor of other names",
      [],
      [hold(one, 5, [0, 1, 2], 3), hold({ ...two, name: "y" }, 4, [0, 5, 6], 7)],
    ],
    [
      "of what was taken away and asked for before are not compared: its answer may be late",
      [],
      [
        fault("revoked", "revoke", [0.5, 0.6]),
        hold(one, 5, [0, 1, 2], 3),
        hold(two, 4, [0, 5, 6], 7),
      ],
    ],
    [
      "of what was asked for after that one was granted are",
      ["tokens 2"],
      [
        fault("revoked", "revoke", [1.5, 1.6]),
        hold(one, 5, [0, 1, 2], 3),
        hold(two, 4, [4, 5, 6], 7),
      ],
    ],
  ])("%s", (_, expected, pieces) => {
    expect(found(history(...pieces))).toEqual(expected);
  });
});

describe("signal", () => {
  const told = (ms: number): Piece => new Story(one).ask(0).granted(1, 1).held(2).lost(ms).lines;
  const next = hold(two, 2, [0, 200, 201], 202);

  test.each<[string, string[], Piece[]]>([
    [
      "that comes after the next grant is found, if the process ran",
      ["signal 1"],
      [told(300), next, alive(1, 210, 211)],
    ],
    ["and one that never comes", ["signal 1"], [hold(one, 1, [0, 1, 2]), next, alive(1, 210, 211)]],
    ["one that comes before is in time", [], [told(199), next, alive(1, 210, 211)]],
    ["of a process that did not run is not asked for", [], [told(300), next]],
    [
      "nor of one that had begun its turn before the grant",
      [],
      [told(300), next, alive(1, 190, 210)],
    ],
    ["nor of one that ran only later", [], [told(300), next, alive(1, 310, 311)]],
    [
      "nor where it was taken away",
      [],
      [told(300), next, alive(1, 210, 211), fault("revoked", "revoke", [150, 151])],
    ],
    ["nor where it was released", [], [hold(one, 1, [0, 1, 2], 3), next, alive(1, 210, 211)]],
  ])("%s", (_, expected, pieces) => {
    expect(found(history(...pieces))).toEqual(expected);
  });
});

describe("taken", () => {
  const lost = (reason: string): Piece => {
    return new Story(one).ask(0).granted(1, 1).held(2).lost(10, reason).lines;
  };

  test.each<[string, string[], Piece[]]>([
    ["away by nobody is found", ["taken 1"], [lost("taken")]],
    ["and broken by nobody", ["taken 1"], [lost("broken")]],
    ["by somebody is what that one meant", [], [lost("taken"), fault("revoked", "revoke", [5, 6])]],
    ["after it was asked for, too", [], [lost("broken"), fault("asked", "break", [5, 6])]],
    ["but not before that", ["taken 1"], [lost("broken"), fault("asked", "break", [12, 13])]],
    [
      "nor when another's was",
      ["taken 1"],
      [lost("taken"), fault("revoked", "revoke", [5, 6], two)],
    ],
    ["what expires is no theft", [], [lost("expired")]],
  ])("%s", (_, expected, pieces) => {
    expect(found(history(...pieces))).toEqual(expected);
  });
});

describe("a history", () => {
  const lines = history(hold(one, 1, [0, 1, 2, 10], 11), hold(two, 2, [0, 5, 6], 20));

  test("is judged the same when its lines come in any order, and from its text", () => {
    expect(found(lines.toReversed())).toEqual(["overlap 2"]);
    expect(found(fromText(toText(lines)))).toEqual(["overlap 2"]);
  });

  test("of a writer that was killed in the middle of a line is read up to there", () => {
    expect(fromText(`${toText(lines)}{"t":"12`)).toEqual(lines);
    expect(() => fromText('{"t":"0"}\nx\n')).toThrow("Line 2 is not JSON");
  });

  test("without a beginning, or with a request that nobody made, is refused", () => {
    expect(() => check(lines.slice(1))).toThrow("no line with the event begin");
    expect(() => check(lines.filter(({ event }) => event !== "ask"))).toThrow(
      "Process 1 never asked for its hold 1",
    );
  });

  test("is reported with its seed, its schedule and the lines that show what is wrong", () => {
    const report = reportOf(lines, check(lines));
    for (const part of [
      "seed 7",
      "1 violation.",
      "overlap: hold 1 of process 2",
      "at 1 ms: a fault",
    ]) {
      expect(report).toContain(part);
    }
    for (const line of lines.slice(1)) expect(report).toContain(JSON.stringify(line));
  });
});
