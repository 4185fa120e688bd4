import { Attempt } from "./attempt.js";
import type { Awake } from "./awake.js";
import type { Clock } from "./clock.js";

/** What ends an attempt. */
interface Limits {
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether it also ends when the backend stops answering. */
  readonly impatient?: boolean;
}

/** The attempts of one started coordinator that are under way: all of them end with it. */
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

  /** Runs `work` as an attempt, from `begin()` to `done()`. */
  async run<T>(limits: Limits, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const attempt = this.begin(limits);
    try {
      return await work(attempt);
    } finally {
      this.done(attempt);
    }
  }

  /** Begins an attempt, which is to be told to `done()` in the end. */
  begin({ timeout, signal, impatient }: Limits): Attempt {
    const attempt = new Attempt(this.#clock, timeout, signal);
    this.#all.add(attempt);
    if (impatient) this.#impatient.add(attempt);
    this.#awake.add();
    return attempt;
  }

  /** However it ended. */
  done(attempt: Attempt): void {
    attempt.close();
    this.#all.delete(attempt);
    this.#impatient.delete(attempt);
    this.#awake.remove();
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
