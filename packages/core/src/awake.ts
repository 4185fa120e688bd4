import type { Clock } from "./clock.js";

/** Keeps the process running while anything that somebody waits for, or holds, needs it. */
export class Awake {
  readonly #clock: Clock;
  #reasons = 0;
  #sleep: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One more reason. */
  add(): void {
    this.#reasons += 1;
    this.#sleep ??= this.#clock.keepAlive();
  }

  /** One less. */
  remove(): void {
    this.#reasons -= 1;
    if (this.#reasons > 0) return;
    this.#sleep?.();
    this.#sleep = undefined;
  }

  /** Until `work` has settled. */
  during<T>(work: Promise<T>): Promise<T> {
    this.add();
    const over = (): void => this.remove();
    // Its result is the caller's, its failure too.
    work.then(over, over);
    return work;
  }
}
