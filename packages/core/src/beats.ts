import type { Clock, Timer } from "./clock.js";
import type { Logger, Session } from "./contract.js";
import { withDeadline } from "./deadline.js";

/**
 * Calls a session's `beat()` at an even pace for as long as it is wanted: every beat has a deadline
 * of its own, and one that fails or does not answer means "unknown", so that the next is tried.
 */
export class Beats {
  readonly #session: Session;
  readonly #every: number;
  readonly #within: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Timer | undefined;
  #stopped = false;

  /** `heartbeat` and `within`: the least pace and each beat's deadline, in milliseconds. */
  constructor(
    session: Session,
    pace: { heartbeat: number; within: number },
    clock: Clock,
    log: Logger,
  ) {
    this.#session = session;
    this.#every = Math.min(pace.heartbeat, session.beatEvery);
    this.#within = pace.within;
    this.#clock = clock;
    this.#log = log;
    if (session.beat && session.beatEvery < Infinity) this.#wait(this.#every);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(ms: number): void {
    this.#timer = this.#clock.timer(ms, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const sentAt = this.#clock.now();
    try {
      await withDeadline(this.#clock, this.#within, "A heartbeat", async (signal) => {
        await this.#session.beat?.(signal);
      });
    } catch (error) {
      this.#log.warn(`A heartbeat failed: ${String(error)} It is tried again.`);
    }
    if (!this.#stopped) this.#wait(Math.max(0, sentAt + this.#every - this.#clock.now()));
  }
}
