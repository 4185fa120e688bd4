import type { Clock } from "./clock.js";
import type { Lease } from "./contract.js";

/** The lease of what does not end by time: it is held until it is given back or its process ends. */
export const endless: Lease = {
  ttl: Infinity,
  endsAt: Infinity,
  usableUntil: Infinity,
  renewed: () => {},
};

/**
 * Starts a lease of `ttl` milliseconds with the backend's acknowledgement of what was sent at
 * `sentAt`, an instant of the same clock's `now()`.
 */
export function startLease(clock: Clock, { sentAt, ttl }: { sentAt: number; ttl: number }): Lease {
  return new TimedLease(clock, sentAt, ttl);
}

/**
 * By how many milliseconds users are told earlier than the backend may grant to others: enough for
 * clocks that run at slightly different speeds and for a signal's listeners to be heard.
 */
export function marginOf(ttl: number): number {
  return Math.min(ttl / 5, Math.max(250, ttl / 20));
}

class TimedLease implements Lease {
  readonly #clock: Clock;
  #sentAt: number;
  #ttl: number;

  constructor(clock: Clock, sentAt: number, ttl: number) {
    this.#clock = clock;
    this.#sentAt = sentAt;
    this.#ttl = ttl;
  }

  get ttl(): number {
    return this.#ttl;
  }

  get endsAt(): number {
    return this.#sentAt + this.#ttl;
  }

  get usableUntil(): number {
    return this.endsAt - marginOf(this.#ttl);
  }

  renewed(sentAt: number, ttl: number = this.#ttl): void {
    // An answer that comes after another to a later question is old news; one that comes when the
    // lease could be relied on no longer must not bring back what was declared lost.
    if (sentAt <= this.#sentAt || this.#clock.now() >= this.usableUntil) return;
    // A slip of a driver's, such as NaN, must not make a lease that never ends.
    if (!(sentAt <= this.#clock.now() && ttl > 0)) return;
    this.#sentAt = sentAt;
    this.#ttl = ttl;
  }
}
