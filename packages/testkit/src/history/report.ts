import type { BeginLine, Line } from "./events.js";
import type { Summary } from "./summary.js";
import type { Violation } from "./violation.js";

/** So many violations are shown, and so many lines of each: one cause may have hundreds. */
const most = { violations: 5, lines: 30 };

/**
 * The violations of a history for people: the seed, what went wrong on purpose, and the lines that
 * show it.
 */
export function reportOf(lines: readonly Line[], violations: readonly Violation[]): string {
  const begin = lines.find((line): line is BeginLine => line.event === "begin");
  const { backend = "?", seed = "?", schedule = [] } = begin ?? {};
  const shown = violations.slice(0, most.violations).flatMap(({ rule, message, lines: its }) => {
    return ["", `${rule}: ${message}`, ...shortened(its.map((line) => JSON.stringify(line)))];
  });
  const more = violations.length - most.violations;
  return [
    `A history of ${backend}, seed ${seed}, has ${violations.length} violation${violations.length === 1 ? "" : "s"}.`,
    ...shown,
    ...(more > 0 ? ["", `And ${more} more.`] : []),
    "",
    "The schedule was:",
    ...schedule.map((fault) => `  ${fault}`),
  ].join("\n");
}

function shortened(lines: readonly string[]): string[] {
  const indented = lines.map((line) => `  ${line}`);
  if (lines.length <= most.lines) return indented;
  const half = most.lines / 2;
  return [
    ...indented.slice(0, half),
    `  ... ${lines.length - most.lines} lines ...`,
    ...indented.slice(-half),
  ];
}

/** What histories had in them, for people. */
export function describeSummary(summary: Summary): string {
  const { histories, turns, asked, refused, lost, faults, margins, signals, news } = summary;
  const all = [...faults.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${histories} histories: ${asked} requests, ${turns} turns, ${refused} refused, ${lost} lost; ${all} faults.`,
    `Faults: ${[...faults].map(([kind, count]) => `${kind} ${count}`).join(", ") || "none"}.`,
    ...figures("From the last passed assertHeld() to the next grant, after", margins),
    ...figures("From the signal to the next grant, after", signals),
    ...figures("Until told, after", news),
  ].join("\n");
}

function figures(what: string, values: ReadonlyMap<string, readonly number[]>): string[] {
  return [...values].map(([kind, ms]) => {
    const sorted = ms.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const least = sorted[0] ?? 0;
    return `${what} ${kind}: min ${least.toFixed(1)} ms, median ${median.toFixed(1)} ms (${sorted.length}).`;
  });
}
