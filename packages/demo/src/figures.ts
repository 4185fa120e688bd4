import { inTime, neighbours, turnAfterKill, type Hold, type Run } from "./run.js";

/** What is worth knowing of a run, as lines of a table. */
export function figures(run: Run): string[] {
  const { turns, killed } = run;
  const holds = inTime<Hold>([...turns, killed]);
  const changes = neighbours(holds).filter(([before, after]) => before.process !== after.process);
  const handovers = changes
    // Who came when the lock was free already did not wait for it to be handed over.
    .filter(([before, after]) => before !== killed && after.asked < before.to)
    .map(([before, after]) => after.from - before.to)
    .toSorted((one, other) => (one < other ? -1 : 1));
  const wall = (holds.at(-1)?.to ?? 0n) - (holds[0]?.from ?? 0n);
  const next = turnAfterKill(run);

  return table([
    ["turns", String(turns.length)],
    ["wall time", milliseconds(wall)],
    ["turns per second", (turns.length / (Number(wall) / 1e9)).toFixed(0)],
    ["changes of owner", String(changes.length)],
    ["handover, median", milliseconds(handovers[Math.floor(handovers.length / 2)])],
    ["handover, longest", milliseconds(handovers.at(-1))],
    ["takeover after the kill", milliseconds(next && next.from - killed.to)],
  ]);
}

/** Nanoseconds, for people. */
export function milliseconds(nanoseconds: bigint | undefined): string {
  return nanoseconds === undefined ? "-" : `${(Number(nanoseconds) / 1e6).toFixed(1)} ms`;
}

/** Names and their values, each below the one before. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const label = Math.max(...rows.map(([name]) => name.length));
  const value = Math.max(...rows.map(([, text]) => text.length));
  return rows.map(([name, text]) => `  ${name.padEnd(label)}  ${text.padStart(value)}`);
}
