import { systemClock, type Clock, type Timer } from "@coord/core/driver";

interface Reading {
  readonly now: number;
  readonly hrtime: bigint;
  readonly wall: number;
  readonly boot: number;
}

/**
 * The machine's clock, which can be stopped: whatever uses it then neither sees time pass nor does
 * anything by time, as a process that stands still, but hears and answers what it is told.
 */
export class StoppableClock implements Clock {
  #stopped: Reading | undefined;
  readonly #late = new Set<() => void>();

  now(): number {
    return this.#read().now;
  }

  hrtime(): bigint {
    return this.#read().hrtime;
  }

  wall(): number {
    return this.#read().wall;
  }

  boot(): number {
    return this.#read().boot;
  }

  timer(ms: number, callback: () => void): Timer {
    const fire = (): void => {
      if (this.#stopped) this.#late.add(callback);
      else callback();
    };
    const timer = systemClock.timer(ms, fire);
    return {
      cancel: () => {
        timer.cancel();
        this.#late.delete(callback);
      },
    };
  }

  keepAlive(): () => void {
    return systemClock.keepAlive();
  }

  /** No time passes until `goOn()`. */
  stop(): void {
    this.#stopped = this.#read();
  }

  /** Shows the time it is; timers that are due fire, a turn of the event loop later. */
  goOn(): void {
    this.#stopped = undefined;
    const due = [...this.#late];
    this.#late.clear();
    for (const callback of due) setImmediate(callback);
  }

  #read(): Reading {
    return (
      this.#stopped ?? {
        now: systemClock.now(),
        hrtime: systemClock.hrtime(),
        wall: systemClock.wall(),
        boot: systemClock.boot(),
      }
    );
  }
}
