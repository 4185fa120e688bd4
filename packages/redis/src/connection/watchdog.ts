import type { Clock, Timer } from "@coord/core/driver";

/**
 * Notices a server that does not answer: one timer for a connection, however much is asked. What is
 * asked together with something that is answered counts from the next request on, such as a beat.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #within: () => number;
  readonly #silent: (ms: number) => void;
  // Since when nothing was heard although something was asked.
  #since: number | undefined;
  #timer: Timer | undefined;
  #dueAt = 0;

  /**
   * @param within how many milliseconds an answer may take, as things stand
   * @param silent called when one takes longer
   */
  constructor(clock: Clock, within: () => number, silent: (ms: number) => void) {
    this.#clock = clock;
    this.#within = within;
    this.#silent = silent;
  }

  asked(): void {
    if (this.#since !== undefined) return;
    this.#since = this.#clock.now();
    const within = this.#within();
    // The one there is may be of a time when more patience was asked for.
    if (!this.#timer || this.#dueAt > this.#since + within) this.#arm(within);
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
    const within = this.#within();
    const left = this.#since + within - this.#clock.now();
    if (left <= 0) this.#silent(within);
    else this.#arm(left);
  };

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#dueAt = this.#clock.now() + ms;
    this.#timer = this.#clock.timer(ms, this.#look);
  }
}
