/**
 * Long runs under faults: `npm run soak -- <backend or backendUrl> [--minutes N | --seeds N] [--seed S]`,
 * and `npm run soak -- --check FILE` to judge a history again. Progress goes to stderr, the summary to
 * stdout. Exits with 1 at the first violation, and with 2 when it was not told what to do.
 */
import { readFileSync } from "node:fs";
import { check, describeSummary, emptySummary, fromText } from "@coord/testkit/history";
import { addTo, reportOf, save } from "@coord/testkit/history";
import { systemClock } from "@coord/core/driver";
import { BadArguments, readArguments, usage, type Soak } from "./soak/arguments.js";
import { Progress } from "./soak/progress.js";
import { playerOf } from "./soak/subjects.js";

// Only then are processes that were started killed, whatever they do.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

try {
  const told = readArguments(process.argv.slice(2));
  if (told.do === "help") console.log(usage);
  else if (told.do === "check") judge(told.file);
  else await soak(told);
} catch (error) {
  if (!(error instanceof BadArguments)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}

async function soak({ where, seed, seeds, minutes, folder }: Soak): Promise<void> {
  const play = playerOf(where);
  const summary = emptySummary();
  const progress = new Progress(process.stderr, summary);
  const until = systemClock.now() + minutes * 60_000;
  for (let one = seed; one < seed + seeds && systemClock.now() < until; one++) {
    progress.show(one);
    const lines = await play(one);
    const violations = check(lines);
    addTo(summary, lines);
    if (violations.length === 0) continue;
    progress.end();
    const file = save(lines, folder);
    console.log(reportOf(lines, violations));
    console.log(`\nIt was saved: npm run soak -- --check ${file}\n`);
    process.exitCode = 1;
    break;
  }
  progress.end();
  console.log(describeSummary(summary));
}

function judge(file: string): void {
  const lines = read(file);
  const summary = emptySummary();
  addTo(summary, lines);
  const violations = check(lines);
  console.log(
    violations.length > 0 ? reportOf(lines, violations) : "The history has no violation.",
  );
  console.log(`\n${describeSummary(summary)}`);
  if (violations.length > 0) process.exitCode = 1;
}

function read(file: string): ReturnType<typeof fromText> {
  try {
    const lines = fromText(readFileSync(file, "utf8"));
    check(lines);
    return lines;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BadArguments(`${file} cannot be judged: ${message}`);
  }
}
