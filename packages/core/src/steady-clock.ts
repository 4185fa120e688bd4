import type { Clock, Timer } from "./clock.js";

/** By how many milliseconds two clocks may run apart before that means something. */
const tolerance = 100;

/**
 * A clock whose `now()` counts the machine's sleep, which the monotonic clock may leave out, and is
 * not moved by somebody who sets the wall clock. It looks at all three clocks: when wall and monotonic
 * time have run apart, the time since boot tells which of the two it was. Where that cannot tell
 * either, it takes it for sleep: a hold then ends too early, never too late.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  #slept = 0;
  #wallAhead: number;
  #bootAhead: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    const now = clock.now();
    this.#wallAhead = clock.wall() - now;
    this.#bootAhead = clock.boot() - now;
  }

  now(): number {
    const now = this.#clock.now();
    const drift = this.#clock.wall() - now - this.#wallAhead;
    if (Math.abs(drift) > tolerance) this.#account();
    return now + this.#slept;
  }

  hrtime(): bigint {
    return this.#clock.hrtime();
  }

  wall(): number {
    return this.#clock.wall();
  }

  boot(): number {
    return this.#clock.boot();
  }

  timer(ms: number, callback: () => void): Timer {
    return this.#clock.timer(ms, callback);
  }

  keepAlive(): () => void {
    return this.#clock.keepAlive();
  }

  #account(): void {
    const { now, wall, boot } = this.#read();
    const drift = wall - now - this.#wallAhead;
    const slept = boot - now - this.#bootAhead;
    this.#wallAhead += drift;
    // Somebody set the wall clock.
    if (Math.abs(slept) <= tolerance) return;
    this.#bootAhead += slept;
    this.#slept += slept > 0 ? slept : Math.max(0, drift);
  }

  /** All three, read at one instant: a process that is stopped in between reads them again. */
  #read(): { now: number; wall: number; boot: number } {
    for (;;) {
      const now = this.#clock.now();
      const read = { now, wall: this.#clock.wall(), boot: this.#clock.boot() };
      if (this.#clock.now() - now < tolerance / 2) return read;
    }
  }
}
