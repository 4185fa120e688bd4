import type { Clock, Lease } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";

/**
 * From when on the session's timeout runs at the servers, as far as we know for sure. One server alone
 * counts from each message of ours. In an ensemble the leader counts, and hears of us from the server we
 * are connected to: that one may be cut off from the others, and goes on answering what is only read
 * for a while. So there only what a majority has agreed to renews the lease; and since the leader is told of
 * clients every half tick, which is a quarter of the shortest timeout, that says nothing of our last
 * messages but of those that had come to our server before: by then they had been answered.
 */
export class Touches {
  readonly #lease: Lease;
  readonly #clock: Clock;
  readonly #lag: number;
  #connection: Connection | undefined;
  // When we were heard of by this connection, the latest last.
  #heard: { readonly sentAt: number; readonly answeredAt: number }[] = [];

  constructor(lease: Lease, { isAlone, clock }: { isAlone: boolean; clock: Clock }) {
    this.#lease = lease;
    this.#clock = clock;
    this.#lag = isAlone ? 0 : lease.ttl / 4;
  }

  /** Something was sent at this instant, and has been answered now, for an ensemble by a majority or not. */
  answered(connection: Connection, sentAt: number, { byMajority }: { byMajority: boolean }): void {
    if (this.#lag === 0) return this.#lease.renewed(sentAt);
    if (connection !== this.#connection) this.#heard = [];
    this.#connection = connection;
    if (byMajority) {
      const known = this.#heard.findLastIndex(({ answeredAt }) => answeredAt <= sentAt - this.#lag);
      // The leader is asked when a connection is made.
      this.#lease.renewed(this.#heard[known]?.sentAt ?? connection.askedAt);
      this.#heard.splice(0, known);
    }
    this.#heard.push({ sentAt, answeredAt: this.#clock.now() });
  }
}
