import { uptime } from "node:os";

/** A timer that was set; cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time and timers in core and drivers, so that both run in virtual time too.
 * All instants and durations are milliseconds, with fractions, except `hrtime()`.
 */
export interface Clock {
  /** Monotonic: never stepped; may stand still while the machine sleeps. Deadlines use it. */
  now(): number;
  /** The same instant in nanoseconds, as `process.hrtime.bigint()` counts it. */
  hrtime(): bigint;
  /** Wall clock, since 1970; somebody may step it. */
  wall(): number;
  /** Since the machine booted, its sleep included. */
  boot(): number;
  /**
   * Calls `callback` once, `ms` from now; any finite `ms` works. A timer does not keep the process
   * running: `keepAlive()` does.
   */
  timer(ms: number, callback: () => void): Timer;
  /** Keeps the process running until the function it returns is called. */
  keepAlive(): () => void;
}

const longestTimeout = 2 ** 31 - 1;

class SystemTimer implements Timer {
  #timeout: NodeJS.Timeout | undefined;

  constructor(ms: number, callback: () => void) {
    this.#arm(ms, callback);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  #arm(ms: number, callback: () => void): void {
    // setTimeout fires at once when it is asked for more than it can count.
    const step = Math.min(ms, longestTimeout);
    this.#timeout = setTimeout(() => {
      if (ms > step) this.#arm(ms - step, callback);
      else callback();
    }, step).unref();
  }
}

/** What keeps the process running: to wake one handle costs less than to make one each time. */
const awake = { reasons: 0, handle: undefined as NodeJS.Timeout | undefined };

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  hrtime: () => process.hrtime.bigint(),
  wall: () => Date.now(),
  boot: () => uptime() * 1000,
  timer: (ms, callback) => new SystemTimer(ms, callback),
  keepAlive: () => {
    awake.handle ??= setInterval(() => {}, longestTimeout);
    if (++awake.reasons === 1) awake.handle.ref();
    let isReason = true;
    return () => {
      if (!isReason) return;
      isReason = false;
      if (--awake.reasons === 0) awake.handle?.unref();
    };
  },
};
