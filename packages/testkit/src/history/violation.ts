import type { Line } from "./events.js";
import type { Request, Story } from "./story.js";

/** The rules of a history, each a promise that every backend makes. */
export type RuleName =
  | "overlap"
  | "tokens"
  | "signal"
  | "taken"
  | "order"
  | "starvation"
  | "leftovers";

/** A promise that was not kept. */
export interface Violation {
  readonly rule: RuleName;
  /** What happened, for people. */
  readonly message: string;
  /** Whose request it happened to; undefined where it is about none. */
  readonly request: Request | undefined;
  /** The lines that show it, in order. */
  readonly lines: readonly Line[];
}

/** What a rule finds in a history. */
export type Rule = (story: Story) => Violation[];

/** A violation that requests are about, the first of them the one it happened to. */
export function violation(
  rule: RuleName,
  message: string,
  ...requests: readonly [Request, ...Request[]]
): Violation {
  const lines = requests.flatMap((request) => request.lines);
  const times = new Map(lines.map((line) => [line, BigInt(line.t)]));
  lines.sort((a, b) => Number((times.get(a) ?? 0n) - (times.get(b) ?? 0n)));
  return { rule, message, request: requests[0], lines };
}

/** A request, for people. */
export function nameOf({ pid, hold, name, shared, token }: Request): string {
  const how = shared ? "shared" : "exclusive";
  const number = token === undefined ? "" : `, token ${token}`;
  return `hold ${hold} of process ${pid} (${name}, ${how}${number})`;
}

/** An instant, for people. */
export function at({ at: ms }: { readonly at: number }): string {
  return `at ${ms.toFixed(3)} ms`;
}
