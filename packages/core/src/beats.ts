import type { Clock, Timer } from "./clock.js";
import type { Logger, Session } from "./contract.js";
import { Deadlines } from "./deadline.js";
import { messageOf } from "./errors.js";

/** How a session is kept alive. All durations are milliseconds. */
export interface Pace {
  /** Instead of a lease's ttl, where that has no end. */
  readonly ttl: number;
  /** The time from one beat to the next, at most. */
  readonly heartbeat: number;
  /** How long one may take; undefined: a third of the time between a beat and the lease's end. */
  readonly beatTimeout: number | undefined;
}

/**
 * Calls a session's `beat()` at an even pace for as long as it is wanted: every beat has a deadline
 * of its own, and one that fails or does not answer means "unknown", so that the next is tried.
 */
export class Beats {
  readonly #session: Session;
  readonly #every: number;
  readonly #deadlines: Deadlines;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #answered: (answered: boolean) => void;
  #timer: Timer | undefined;
  #stopped = false;

  /** `answered` is told after each beat whether it was. */
  constructor(
    session: Session,
    pace: Pace,
    { clock, log }: { clock: Clock; log: Logger },
    answered: (answered: boolean) => void,
  ) {
    this.#session = session;
    this.#every = Math.min(pace.heartbeat, session.beatEvery);
    const ttl = session.lease.ttl === Infinity ? pace.ttl : session.lease.ttl;
    const within = pace.beatTimeout ?? Math.max(250, (ttl - this.#every) / 3);
    this.#deadlines = new Deadlines(clock, within);
    this.#clock = clock;
    this.#log = log;
    this.#answered = answered;
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
    const answered = await this.#isAnswered();
    if (this.#stopped) return;
    this.#answered(answered);
    this.#wait(Math.max(0, sentAt + this.#every - this.#clock.now()));
  }

  async #isAnswered(): Promise<boolean> {
    try {
      await this.#deadlines.run("A heartbeat", async (signal) => {
        await this.#session.beat?.(signal);
      });
      return true;
    } catch (error) {
      if (!this.#stopped)
        this.#log.warn(`A heartbeat failed: ${messageOf(error)} It is tried again.`);
      return false;
    }
  }
}
