import type { Clock, Timer } from "@coord/core/driver";

/**
 * Notices a server that does not answer: one timer for a connection, however much is asked. What is
 * asked together with something that is answered counts from the next request on, such as a beat.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #within: number;
  readonly #silent: () => void;
  // Since when nothing was heard although something was asked.
  #since: number | undefined;
  #timer: Timer | undefined;

  /** @param silent called when an answer takes longer than `within` milliseconds */
  constructor(clock: Clock, within: number, silent: () => void) {
    this.#clock = clock;
    this.#within = within;
    this.#silent = silent;
  }

  asked(): void {
    if (this.#since !== undefined) return;
    this.#since = this.#clock.now();
    this.#timer ??= this.#clock.timer(this.#within, this.#look);
  }

  heard(): void {
    this.#since = undefined;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#since === undefined) return;
    const left = this.#since + this.#within - this.#clock.now();
    if (left <= 0) this.#silent();
    else this.#timer = this.#clock.timer(left, this.#look);
  };
}
