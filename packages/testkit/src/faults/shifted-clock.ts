import { systemClock, type Clock } from "@coord/core/driver";

/** The machine's clock as a coordinator sees it that is alone with a stepped wall clock, or slept. */
export class ShiftedClock implements Clock {
  #wall = 0;
  #boot = 0;

  /** Somebody sets the wall clock by so many milliseconds. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps for so many milliseconds, which its monotonic clock leaves out. */
  sleep(ms: number): void {
    this.#wall += ms;
    this.#boot += ms;
  }

  now(): number {
    return systemClock.now();
  }

  hrtime(): bigint {
    return systemClock.hrtime();
  }

  wall(): number {
    return systemClock.wall() + this.#wall;
  }

  boot(): number {
    return systemClock.boot() + this.#boot;
  }

  timer(...given: Parameters<Clock["timer"]>): ReturnType<Clock["timer"]> {
    return systemClock.timer(...given);
  }

  keepAlive(): () => void {
    return systemClock.keepAlive();
  }
}
