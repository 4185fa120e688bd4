import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "./check.js";
import { toText, type Line } from "./events.js";
import { processHistory, type ProcessesOptions } from "./processes/history.js";
import { reportOf } from "./report.js";
import type { HistorySubject } from "./subject.js";
import { addTo, emptySummary, type Summary } from "./summary.js";
import { virtualHistory, type VirtualOptions } from "./virtual/history.js";

/** Which histories to play. */
export interface WhichSeeds {
  /** The first seed. */
  readonly seed: number;
  /** How many, each with the seed after the last one's. */
  readonly count: number;
}

/**
 * Plays histories of processes and judges them; gives what they had in them. Rejects at the first
 * violation, with a report of it and the file that the history was saved to.
 */
export function checkHistories(
  subject: HistorySubject,
  { seed, count, ...options }: WhichSeeds & Omit<ProcessesOptions, "seed">,
): Promise<Summary> {
  return checkEach({ seed, count }, (one) => processHistory(subject, { ...options, seed: one }));
}

/** The same for histories of the memory backend in virtual time. */
export function checkVirtualHistories({
  seed,
  count,
  ...options
}: WhichSeeds & VirtualOptions): Promise<Summary> {
  return checkEach({ seed, count }, (one) => virtualHistory(one, options));
}

async function checkEach(
  { seed, count }: WhichSeeds,
  play: (seed: number) => Promise<Line[]>,
): Promise<Summary> {
  const summary = emptySummary();
  for (let one = seed; one < seed + count; one++) {
    const lines = await play(one);
    const violations = check(lines);
    if (violations.length > 0) {
      throw new Error(`${reportOf(lines, violations)}\n\n${save(lines)} has it all.`);
    }
    addTo(summary, lines);
  }
  return summary;
}

/**
 * Saves a history, to be judged again, as `history.jsonl` in a folder of its own that nobody removes.
 * @param folder where to make that @default the system's folder for temporary files
 */
export function save(lines: readonly Line[], folder: string = tmpdir()): string {
  const file = join(mkdtempSync(join(folder, "coord-history-")), "history.jsonl");
  writeFileSync(file, toText(lines));
  return file;
}
