import type { Clock, Timer } from "@coord/core/driver";

/**
 * Notices that a server answers nothing any more, whatever it is asked: no client library does so in
 * time. What is asked last may wait for what was asked before it, as long as answers come.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #within: () => number;
  readonly #silent: (ms: number) => void;
  #pending = 0;
  #since = 0;
  #timer: Timer | undefined;
  #dueAt = 0;

  /**
   * @param within how many milliseconds it may take that nothing is answered, as things stand
   * @param silent called when it takes longer
   */
  constructor(clock: Clock, within: () => number, silent: (ms: number) => void) {
    this.#clock = clock;
    this.#within = within;
    this.#silent = silent;
  }

  asked(): void {
    if (this.#pending === 0) this.#since = this.#clock.now();
    this.#pending += 1;
    const within = this.#within();
    // The one there is may be of a time when more patience was asked for.
    if (!this.#timer || this.#dueAt > this.#clock.now() + within) this.#arm(within);
  }

  answered(): void {
    this.#pending -= 1;
    this.#since = this.#clock.now();
  }

  // One timer for all, which is left to run out: most that is asked is answered long before.
  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#dueAt = this.#clock.now() + ms;
    this.#timer = this.#clock.timer(ms, () => {
      this.#timer = undefined;
      if (this.#pending === 0) return;
      const within = this.#within();
      const left = this.#since + within - this.#clock.now();
      if (left > 0) this.#arm(left);
      else this.#silent(within);
    });
  }
}
