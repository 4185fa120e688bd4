import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { openScreen, type Progress } from "../src/screen.js";

const escape = "\u001B";

/** What is written while three of 64 processes work, to an output with these properties. */
function written(
  properties: { isTTY?: boolean; columns?: number; rows?: number },
  environment: Record<string, string> = {},
  processes = 3,
): string {
  let text = "";
  const output = { ...properties, write: (more: string) => (text += more) };
  const screen = openScreen(output, environment);
  const progress = (process: number, done: number, state: Progress["state"]): void =>
    screen.progress({ process, done, of: 8, state });
  for (let process = 1; process <= processes; process += 1) progress(process, 3, "working");
  screen.line("a line");
  progress(2, 4, "holds the lock");
  screen.settle();
  screen.line("the last line");
  screen.close();
  return text;
}

/** The lines one would see if nothing were ever erased, without escape sequences. */
const seen = (text: string): string[] =>
  stripVTControlCharacters(text).replaceAll("\r", "").split("\n");

const isColoured = (text: string): boolean =>
  text.split(escape).some((part) => /^\[\d+m/.test(part));

test("a pipe gets plain lines, one for each quarter", () => {
  const text = written({});
  expect(text.split("\n")).toEqual([
    "process 1: 3 of 8 turns",
    "process 2: 3 of 8 turns",
    "process 3: 3 of 8 turns",
    "a line",
    "process 2: 4 of 8 turns",
    "the last line",
    "",
  ]);
});

test("a dumb terminal gets plain lines too", () => {
  expect(written({ isTTY: true }, { TERM: "dumb" })).not.toContain(escape);
});

test("a terminal gets bars redrawn in place, and its cursor back", () => {
  const text = written({ isTTY: true, columns: 80, rows: 24 });
  expect(seen(text)).toContainEqual(
    expect.stringMatching(/^process 2 {2}█+░+ 4\/8 holds the lock$/),
  );
  expect(text).toContain(`${escape}[3A`);
  expect(text.lastIndexOf(`${escape}[?25h`)).toBeGreaterThan(text.lastIndexOf(`${escape}[?25l`));
});

test("NO_COLOR takes the colours away, not the bars", () => {
  expect(isColoured(written({ isTTY: true }))).toBe(true);
  const text = written({ isTTY: true }, { NO_COLOR: "1" });
  expect(isColoured(text)).toBe(false);
  expect(text).toContain("█");
});

test.each([1, 10, 20, 30, 40, 60, 80, 300])("no bar is wider than %i columns", (columns) => {
  const bars = seen(written({ isTTY: true, columns })).filter((line) => !line.includes("line"));
  for (const bar of bars) expect(bar.length).toBeLessThan(columns);
});

test("no more bars than the terminal has rows", () => {
  const text = written({ isTTY: true, columns: 80, rows: 10 }, {}, 64);
  expect(seen(text)).toContain("and 56 more");
  expect(text).toContain(`${escape}[9A`);
});

test("of one who goes on until it is enough the count is shown, in a pipe at the end", () => {
  const shown = (properties: { isTTY?: boolean; columns?: number }): string => {
    let text = "";
    const screen = openScreen({ ...properties, write: (more) => (text += more) }, {});
    screen.progress({ process: 1, done: 4, of: 8, state: "working" });
    screen.progress({ process: 2, done: 41, state: "reading" });
    screen.progress({ process: 2, done: 42, state: "done" });
    screen.settle();
    return text;
  };
  expect(shown({})).toBe("process 1: 4 of 8 turns\nprocess 2: 42 readings\n");
  expect(seen(shown({ isTTY: true, columns: 80 }))).toContain("process 2  42 readings done");
  expect(seen(shown({ isTTY: true, columns: 20 }))).toContain("process 2  42 readi");
});
