import type { Clock } from "@coord/core/driver";

/**
 * Notices that a server answers nothing any more, whatever it is asked: no client library does so in
 * time. What is asked last may wait for what was asked before it, as long as answers come.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #within: number;
  readonly #silent: () => void;
  #pending = 0;
  #since = 0;
  #isArmed = false;

  /** `silent` is called when nothing was answered for `within` milliseconds. */
  constructor(clock: Clock, within: number, silent: () => void) {
    this.#clock = clock;
    this.#within = within;
    this.#silent = silent;
  }

  asked(): void {
    if (this.#pending === 0) this.#since = this.#clock.now();
    this.#pending += 1;
    if (!this.#isArmed) this.#arm(this.#within);
  }

  answered(): void {
    this.#pending -= 1;
    this.#since = this.#clock.now();
  }

  // One timer for all, which is left to run out: most that is asked is answered long before.
  #arm(ms: number): void {
    this.#isArmed = true;
    this.#clock.timer(ms, () => {
      this.#isArmed = false;
      if (this.#pending === 0) return;
      const left = this.#since + this.#within - this.#clock.now();
      if (left > 0) this.#arm(left);
      else this.#silent();
    });
  }
}
