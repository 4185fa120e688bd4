import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What is open in this process, counted by kind: descriptors, where the system lists them, and what keeps it running. */
export type Open = ReadonlyMap<string, number>;

/** Counts it now. */
export function openThings(): Open {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  if (process.platform === "linux") {
    counts.set("descriptors", readdirSync("/proc/self/fd").length);
  }
  return counts;
}

/**
 * What is open and was not before. Closing takes some turns of the event loop: it is waited for, so
 * many milliseconds at most.
 */
export async function moreThan(before: Open, within: number): Promise<Record<string, number>> {
  for (let waited = 0; ; waited += 20) {
    const more = [...openThings()].map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)]);
    const left = Object.fromEntries(more.filter(([, count]) => Number(count) > 0));
    if (waited >= within || Object.keys(left).length === 0) return left;
    await delay(20);
  }
}
