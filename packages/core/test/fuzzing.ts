import { inspect } from "node:util";
import fc from "fast-check";
import { CoordError } from "../src/errors.js";

/** How many cases each property is tried with. */
const numRuns = process.env["COORD_TEST_SHORT"] ? 5_000 : 100_000;
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.info(`Random tests: COORD_TEST_SEED=${seed} repeats them.`);
fc.configureGlobal({ seed, numRuns });
// Where errors were thrown is of no interest here, and takes most of the time.
Error.stackTraceLimit = 0;

/** What `action` gives, or the CoordError that it throws; another error fails the test. */
export function outcomeOf<T>(action: () => T): T | CoordError {
  try {
    return action();
  } catch (error) {
    if (error instanceof CoordError) return error;
    throw error;
  }
}

/** How often each outcome came, to see that a test tries what it is meant to. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(outcome: unknown): string {
    const kind = outcome instanceof CoordError ? outcome.code : "accepted";
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    return kind;
  }

  /** Every outcome there was, in alphabetical order; one in less than a hundredth of all cases says so. */
  outcomes(): string[] {
    const all = [...this.#counts].map(([kind, count]) => {
      return count > numRuns / 100 ? kind : `${kind}, but seldom`;
    });
    return all.toSorted();
  }
}

/** Any character, and the halves of those that are two. */
export const anyUnit: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
);

/** Whether a log of the value, however it is made, may contain the text. */
export function shows(value: unknown, text: string): boolean {
  const inside = inspect(value, { depth: 9, showHidden: true, customInspect: false });
  return `${String(value)} ${JSON.stringify(value)} ${inside}`.includes(text);
}
