import { expect } from "vitest";
import { print } from "../contract/quiet.js";

/** By how much the news of a loss may be late, besides a beat, in milliseconds. */
export const newsWithin = 100;
/** What a busy machine may do to a single one of them. */
const noise = 1_000;

/** A fault of time, and who noticed what when, by `process.hrtime.bigint()`. */
export interface TimeFault {
  readonly what: string;
  /** The last instant at which the old holder's `assertHeld()` passed. */
  readonly last: bigint;
  /** The first one at which the next holder's did. */
  readonly next: bigint;
  /** When the signal of a hold was aborted at which nobody looked, and when the next one had that. */
  readonly signal?: { readonly at: bigint; readonly next: bigint };
}

/** What was measured of all faults of one driver. All are milliseconds. */
export class Findings {
  readonly #driver: string;
  readonly #margins: number[] = [];
  readonly #signals: number[] = [];
  readonly #late: number[] = [];

  constructor(driver: string) {
    this.#driver = driver;
  }

  /** In a fault of time nobody has the lock before the last holder knows that it has not. */
  time({ what, last, next, signal }: TimeFault): void {
    const margin = milliseconds(next - last);
    this.#margins.push(margin);
    expect(
      margin,
      `${what}: from the last holder's last moment to the next one's first`,
    ).toBeGreaterThan(0);
    if (!signal) return;
    const warning = milliseconds(signal.next - signal.at);
    this.#signals.push(warning);
    expect(warning, `${what}: from the signal to the next holder`).toBeGreaterThan(0);
  }

  /** What is taken away is told on the first news; see `judge()`. */
  revoked(what: string, { at, told, beat }: { at: bigint; told: bigint; beat: number }): void {
    const late = milliseconds(told - at);
    this.#late.push(late);
    expect(late, `${what}: until its holder was told`).toBeLessThan(beat + newsWithin + noise);
  }

  /**
   * Prints all. Gives by how much later than a beat the news came, in the median: no more than 100 ms
   * is allowed, which of a single one a busy machine would not keep.
   */
  judge(beat: number): number {
    const lines = [
      ["next grant - last assertHeld() that passed, faults of time", this.#margins, Math.min],
      ["next grant - signal, faults of time", this.#signals, Math.min],
      ["news of what was revoked", this.#late, Math.max],
    ] as const;
    for (const [what, figures, worst] of lines) {
      if (figures.length === 0) continue;
      const name = worst === Math.min ? "min" : "max";
      print(
        `${this.#driver}: ${what}: ${name} ${worst(...figures).toFixed(1)} ms, median ${median(figures).toFixed(1)} ms (${figures.length})`,
      );
    }
    return this.#late.length > 0 ? median(this.#late) - beat : 0;
  }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;
}
