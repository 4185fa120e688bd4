import type { Output, Progress, Screen } from "./screen.js";

const hideCursor = "\u001B[?25l";
const showCursor = "\u001B[?25h";
const clearBelow = "\u001B[J";
const colours = { working: 36, "holds the lock": 33, killed: 31, reading: 34, done: 32 } as const;
const longestBar = 40;
const shortestBar = 4;
const longestState = "holds the lock".length;
// Redrawing more often than anybody can see would slow down the processes.
const frame = 40;

/** A bar for each process, redrawn in place below the lines. */
export function bars(output: Output, { colour }: { colour: boolean }): Screen {
  const processes = new Map<number, Progress>();
  let drawn = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;

  // As much of them as the terminal has room for: a line that wraps cannot be redrawn in place.
  const visible = (): string[] => {
    const room = Math.max(1, (output.rows ?? 24) - 1);
    const all = [...processes.values()].toSorted((one, other) => one.process - other.process);
    const shown = all.length > room ? all.slice(0, room - 1) : all;
    const rows = shown.map((progress) => bar(progress, (output.columns ?? 80) - 1, colour));
    return shown.length < all.length ? [...rows, `and ${all.length - shown.length} more`] : rows;
  };

  const draw = (above = ""): void => {
    const rows = visible();
    const back = drawn > 0 ? `\u001B[${drawn}A\r` : hideCursor;
    output.write(`${back}${clearBelow}${above}${rows.map((row) => `${row}\n`).join("")}`);
    drawn = rows.length;
    drawnAt = performance.now();
  };

  const settle = (): void => {
    if (drawn === 0) return;
    draw();
    output.write(showCursor);
    processes.clear();
    drawn = 0;
  };

  return {
    line(text = "") {
      if (drawn > 0) draw(`${text}\n`);
      else output.write(`${text}\n`);
    },
    progress(progress) {
      processes.set(progress.process, progress);
      if (performance.now() - drawnAt >= frame) draw();
    },
    settle,
    close: settle,
  };
}

function bar({ process, done, of, state }: Progress, width: number, colour: boolean): string {
  const label = `process ${process}`.padEnd("process 10".length);
  const paint = (text: string): string =>
    colour ? `\u001B[${colours[state]}m${text}\u001B[0m` : text;
  if (of === undefined) return paint(`${label} ${done} readings ${state}`.slice(0, width));

  const count = `${String(done).padStart(String(of).length)}/${of}`;
  const room = width - label.length - count.length - longestState - 3;
  if (room < shortestBar) return paint(`${label} ${count} ${state}`.slice(0, width));
  const length = Math.min(room, longestBar);
  const full = Math.round((length * done) / of);
  return `${label} ${paint("█".repeat(full))}${"░".repeat(length - full)} ${count} ${paint(state)}`;
}
