import type { Clock, Timer } from "../clock.js";

interface VirtualTimer extends Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to move, for tests that take no time: timers fire in
 * order of their time, and what waits for promises goes on in between.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #stepped = 0;
  #slept = 0;
  // In order of time; of two for the same time, the one set first comes first.
  readonly #timers: VirtualTimer[] = [];

  now(): number {
    return this.#now;
  }

  hrtime(): bigint {
    return BigInt(Math.round(this.#now * 1e6));
  }

  wall(): number {
    return Date.UTC(2030) + this.#now + this.#slept + this.#stepped;
  }

  boot(): number {
    return this.#now + this.#slept;
  }

  timer(ms: number, callback: () => void): Timer {
    const at = this.#now + Math.max(0, ms);
    const timer: VirtualTimer = { at, callback, cancel: () => this.#remove(timer) };
    const behind = this.#timers.findIndex((other) => other.at > at);
    this.#timers.splice(behind < 0 ? this.#timers.length : behind, 0, timer);
    return timer;
  }

  /** Nothing: a process is not kept running by time that stands still. */
  keepAlive(): () => void {
    return () => {};
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass. Resolves when all that was to happen within them has happened. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#timers[0]; next && next.at <= end; next = this.#timers[0]) {
      this.#remove(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    // It may have been moved further meanwhile, by freeze() or by another advance().
    this.#now = Math.max(this.#now, end);
    await settle();
  }

  /** The process is stopped for `ms`, as by SIGSTOP or a blocked event loop: timers are late after it. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** The machine sleeps for `ms`: the monotonic clock and timers stand still, the others go on. */
  sleep(ms: number): void {
    this.#slept += ms;
  }

  /** Somebody sets the wall clock forward by `ms`, or back if negative. */
  step(ms: number): void {
    this.#stepped += ms;
  }

  #remove(timer: VirtualTimer): void {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }
}

/** Lets promises settle, however long their chains. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
