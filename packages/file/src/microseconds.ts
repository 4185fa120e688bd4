import type { Clock } from "@coord/core/driver";

// Sessions of one process must not give the same when the records of a name were lost between them.
let latest = 0n;

/**
 * The wall clock in microseconds since 1970, though it tells milliseconds: the clock that all processes
 * share counts on from where it was last seen to. Never more than a millisecond beside the wall clock
 * and follows where somebody sets it forward, but gives no number twice, nor a smaller one later, in
 * this process.
 */
export class Microseconds {
  readonly #clock: Clock;
  #ahead = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): bigint {
    const steady = Number(this.#clock.hrtime()) / 1000;
    // It is so much or up to a millisecond more, because the wall clock cuts off the rest.
    const least = this.#clock.wall() * 1000 - steady;
    if (least > this.#ahead || least + 1000 < this.#ahead) this.#ahead = least;
    const now = BigInt(Math.floor(steady + this.#ahead));
    latest = now > latest ? now : latest + 1n;
    return latest;
  }
}
