import type { Clock, Timer } from "@coord/core/driver";
import type { Turn } from "./turn.js";

/** For how many milliseconds a key is not watched, so that short holds cost nothing more. */
const watchAfter = 50;

/** Keys of ours that are there and not watched yet: one timer for all. */
export class Unwatched {
  readonly #clock: Clock;
  // Since when; the oldest is the first.
  readonly #turns = new Map<Turn, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(turn: Turn): void {
    // Who is told of again and again is not put off by it.
    if (!this.#turns.has(turn)) this.#turns.set(turn, this.#clock.now());
    this.#timer ??= this.#clock.timer(watchAfter, () => this.#watch());
  }

  delete(turn: Turn): void {
    this.#turns.delete(turn);
  }

  stop(): void {
    this.#turns.clear();
    this.#timer?.cancel();
  }

  #watch(): void {
    this.#timer = undefined;
    for (const [turn, since] of this.#turns) {
      const left = since + watchAfter - this.#clock.now();
      if (left > 0) {
        this.#timer = this.#clock.timer(left, () => this.#watch());
        return;
      }
      this.#turns.delete(turn);
      turn.watch();
    }
  }
}
