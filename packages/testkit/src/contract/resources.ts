import { readdirSync } from "node:fs";
import type { CountingClock } from "./counting-clock.js";
import { pass } from "./meanwhile.js";

/**
 * What is open in this process, counted: descriptors, where the system lists them, by kind what
 * keeps the process running, and the timers of this clock, which do not.
 */
export function openIn(clock: CountingClock): Map<string, number> {
  const counts = new Map([["timers", clock.timers]]);
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (process.platform === "linux") counts.set("fd", readdirSync("/proc/self/fd").length);
  return counts;
}

/** What is open that was not before. Closing takes the event loop some turns, and they are waited for. */
export async function openedSince(
  before: ReadonlyMap<string, number>,
  clock: CountingClock,
): Promise<[kind: string, count: number][]> {
  const more = (): [string, number][] =>
    [...openIn(clock)].filter(([kind, count]) => count > (before.get(kind) ?? 0));
  for (let turn = 0; turn < 200 && more().length > 0; turn++) await pass(20);
  return more();
}
