import { Attempt } from "./attempt.js";
import type { Awake } from "./awake.js";
import type { Clock } from "./clock.js";

/** The attempts of one started coordinator that are under way. */
export class Attempts {
  readonly #clock: Clock;
  readonly #awake: Awake;
  readonly #all = new Set<Attempt>();
  // Those that do not wait.
  readonly #impatient = new Set<Attempt>();

  constructor(clock: Clock, awake: Awake) {
    this.#clock = clock;
    this.#awake = awake;
  }

  /**
   * Runs `work` as an attempt: it ends after `timeout` milliseconds, with the signal, and with the
   * coordinator. An impatient one also ends when the backend stops answering.
   */
  async run<T>(
    limits: { timeout: number; signal?: AbortSignal | undefined; impatient?: boolean },
    work: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const attempt = new Attempt(this.#clock, limits.timeout, limits.signal);
    this.#all.add(attempt);
    if (limits.impatient) this.#impatient.add(attempt);
    this.#awake.add();
    try {
      return await work(attempt);
    } finally {
      attempt.close();
      this.#all.delete(attempt);
      if (limits.impatient) this.#impatient.delete(attempt);
      this.#awake.remove();
    }
  }

  /** Ends those that do not wait. */
  endImpatient(reason: unknown): void {
    for (const attempt of this.#impatient) attempt.end(reason);
  }

  /** Ends all of them. */
  end(reason: unknown): void {
    for (const attempt of this.#all) attempt.end(reason);
  }

  /** Makes what each waits for now reject with `reason`; they go on. */
  interrupt(reason: unknown): void {
    for (const attempt of this.#all) attempt.interrupt(reason);
  }
}
