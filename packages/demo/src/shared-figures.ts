import { milliseconds, table } from "./figures.js";
import { inTime, type Hold } from "./run.js";
import { together, type SharedRun } from "./shared-run.js";

/** What is worth knowing of a run of writers and readers, as lines of a table. */
export function sharedFigures(run: SharedRun): string[] {
  const { turns, readings } = run;
  const holds = inTime<Hold>([...turns, ...readings]);
  const wall = (holds.at(-1)?.to ?? 0n) - (holds[0]?.from ?? 0n);
  const waits = turns
    .map(({ asked, from }) => from - asked)
    .toSorted((one, other) => (one < other ? -1 : 1));

  return table([
    ["turns of writers", String(turns.length)],
    ["readings", String(readings.length)],
    ["times readers were in together", String(together(run).length)],
    ["wall time", milliseconds(wall)],
    ["a writer's wait, median", milliseconds(waits[Math.floor(waits.length / 2)])],
    ["a writer's wait, longest", milliseconds(waits.at(-1))],
    ["readings begun during a wait, most", String(mostDuringWait(run, readings))],
    ["turns begun during a wait, most", String(mostDuringWait(run, turns))],
  ]);
}

/** How many of these holds at most began while one writer waited. */
function mostDuringWait({ turns }: SharedRun, holds: readonly Hold[]): number {
  const begun = inTime(holds).map(({ from }) => from);
  const counts = turns.map(({ asked, from }) => before(begun, from) - before(begun, asked));
  return Math.max(0, ...counts);
}

/** How many of the instants, which are in order, are before this one. */
function before(instants: readonly bigint[], instant: bigint): number {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? instant) < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}
