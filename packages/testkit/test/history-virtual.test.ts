import { check, toText, virtualHistory, type Line } from "@coord/testkit/history";
import { expect, test } from "vitest";

/** How many lines of a kind there are in some histories. */
function countIn(histories: readonly (readonly Line[])[], isSuch: (line: Line) => boolean): number {
  return histories.flat().filter(isSuch).length;
}

test("a history in virtual time is the same to the last bit for the same seed, and another for another", async () => {
  const texts: string[] = [];
  for (const seed of [1, 2, 3, 2, 1]) texts.push(toText(await virtualHistory(seed)));
  const [first, second, third, secondAgain, firstAgain] = texts;
  expect(firstAgain).toBe(first);
  expect(secondAgain).toBe(second);
  expect(new Set([first, second, third]).size).toBe(3);
});

test("it leaves Math.random as it was", async () => {
  const { random } = Math;
  await virtualHistory(4);
  expect(Math.random).toBe(random);
});

test("its machines wait in line, give up, lose what they hold, die, and are cut off", async () => {
  const histories: Line[][] = [];
  for (let seed = 0; seed < 10; seed++) histories.push(await virtualHistory(seed));
  for (const event of ["queued", "abort", "lost", "refused", "alive", "state"] as const) {
    expect(countIn(histories, (line) => line.event === event)).toBeGreaterThan(10);
  }
  const kinds = ["pause", "kill", "cut", "step", "session lost", "revoke", "break", "forced break"];
  for (const kind of [...kinds, "reply to beat lost", "reply to acquire late"]) {
    const isOfKind = (line: Line): boolean => line.event === "fault" && line.kind === kind;
    expect(countIn(histories, isOfKind)).toBeGreaterThan(0);
  }
});

test("one of faults of time alone takes nothing away", async () => {
  const lines = await virtualHistory(5, { revoking: false });
  const classes = lines.flatMap((line) => (line.event === "fault" ? line.class : []));
  expect(new Set(classes)).toEqual(new Set(["time"]));
  expect(check(lines)).toEqual([]);
});
