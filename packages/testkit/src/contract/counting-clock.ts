import { systemClock, type Clock, type Timer } from "@coord/core/driver";

/** The machine's clock, which counts the timers that were set and neither fired nor were cancelled. */
export class CountingClock implements Clock {
  readonly #live = new Set<Timer>();

  /** How many timers are to fire yet: those that keep no process running are seen by nothing else. */
  get timers(): number {
    return this.#live.size;
  }

  now(): number {
    return systemClock.now();
  }

  hrtime(): bigint {
    return systemClock.hrtime();
  }

  wall(): number {
    return systemClock.wall();
  }

  boot(): number {
    return systemClock.boot();
  }

  timer(ms: number, callback: () => void): Timer {
    const set = systemClock.timer(ms, () => {
      this.#live.delete(timer);
      callback();
    });
    const timer: Timer = {
      cancel: () => {
        this.#live.delete(timer);
        set.cancel();
      },
    };
    this.#live.add(timer);
    return timer;
  }

  keepAlive(): () => void {
    return systemClock.keepAlive();
  }
}
