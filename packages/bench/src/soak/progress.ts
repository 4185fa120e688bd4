import { systemClock } from "@coord/core/driver";
import type { Summary } from "@coord/testkit/history";

/** Where it is written to. */
interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** A line about what has been done so far, written over and over; elsewhere than on a terminal, now and then. */
export class Progress {
  readonly #screen: Screen;
  readonly #summary: Summary;
  readonly #beganAt = systemClock.now();
  #shownAt = -Infinity;

  constructor(screen: Screen, summary: Summary) {
    this.#screen = screen;
    this.#summary = summary;
  }

  /** Before the history of a seed is played. */
  show(seed: number): void {
    const now = systemClock.now();
    const every = this.#screen.isTTY ? 200 : 10_000;
    if (now - this.#shownAt < every) return;
    this.#shownAt = now;
    const { histories, turns, faults } = this.#summary;
    const faultsCount = [...faults.values()].reduce((sum, count) => sum + count, 0);
    const seconds = Math.round((now - this.#beganAt) / 1_000);
    const line = `${seconds} s: seed ${seed}, ${histories} histories, ${turns} turns, ${faultsCount} faults`;
    this.#screen.write(this.#screen.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#screen.isTTY) this.#screen.write("\r\x1b[K");
  }
}
