import type { Clock, Lease } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";
import { allow, noNode } from "./connection/failures.js";
import { Touches } from "./touches.js";

interface RenewalOptions {
  readonly clock: Clock;
  readonly lease: Lease;
  /** Whether there is one server, and no other that could be cut off from it. */
  readonly isAlone: boolean;
  /** A node that is never there. */
  readonly nothing: string;
}

/** Renews a lease: on one server by asking anything, in an ensemble by what a majority has to agree to. */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #touches: Touches;
  // When a majority was asked last.
  #agreedAt = -Infinity;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#touches = new Touches(options.lease, options);
  }

  /** With each new connection a majority is asked at once. */
  anew(): void {
    this.#agreedAt = -Infinity;
  }

  async ask(connection: Connection): Promise<void> {
    const { clock, lease, isAlone, nothing } = this.#options;
    const sentAt = clock.now();
    // Nothing could be lost.
    if (connection.isResting) return lease.renewed(sentAt);
    const byMajority = !isAlone && sentAt - this.#agreedAt >= lease.ttl / 8;
    if (byMajority) {
      await connection.delete(nothing).catch(allow(noNode));
      this.#agreedAt = sentAt;
    } else {
      await connection.exists("/");
    }
    this.#touches.answered(connection, sentAt, { byMajority });
  }
}
