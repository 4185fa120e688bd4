import type { Clock, Timer } from "./clock.js";
import type { Lease } from "./contract.js";
import { marginOf } from "./lease.js";

/**
 * How often at least leases are looked at, in milliseconds, or twice within a margin if that is
 * more often: a machine's sleep sets off no timer.
 */
const lookEvery = 1_000;

/**
 * Tells of each lease once when it can be relied on no longer, with one timer for all of them.
 */
export class LeaseWatch {
  readonly #clock: Clock;
  readonly #expired: (lease: Lease) => void;
  // How many rely on each.
  readonly #leases = new Map<Lease, number>();
  #timer: Timer | undefined;
  #looksAt = Infinity;

  constructor(clock: Clock, expired: (lease: Lease) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Watches the lease for one more that relies on it. One without an end costs nothing. */
  add(lease: Lease): void {
    if (lease.usableUntil === Infinity) return;
    this.#leases.set(lease, (this.#leases.get(lease) ?? 0) + 1);
    this.#lookAgain(lease);
  }

  /** One less relies on it. */
  remove(lease: Lease): void {
    const count = this.#leases.get(lease);
    if (count === undefined) return;
    if (count > 1) this.#leases.set(lease, count - 1);
    else this.#leases.delete(lease);
    if (this.#leases.size === 0) this.#cancel();
  }

  readonly #look = (): void => {
    this.#cancel();
    const now = this.#clock.now();
    for (const lease of this.#leases.keys()) {
      if (now < lease.usableUntil) {
        this.#lookAgain(lease);
      } else {
        this.#leases.delete(lease);
        this.#expired(lease);
      }
    }
  };

  #lookAgain({ usableUntil, ttl }: Lease): void {
    const now = this.#clock.now();
    const at = Math.min(usableUntil, now + Math.min(lookEvery, marginOf(ttl) / 2));
    if (at >= this.#looksAt) return;
    this.#cancel();
    this.#looksAt = at;
    this.#timer = this.#clock.timer(Math.max(0, at - now), this.#look);
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#looksAt = Infinity;
  }
}
