import type { Lease } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";

/**
 * From when on the session's timeout runs at the servers, as far as we know for sure. One server alone
 * counts from each message of ours. In an ensemble the leader counts, and hears of us from the server we
 * are connected to: that one may be cut off from the others, and goes on answering what is only read
 * for a while. So there only what a majority has agreed to renews the lease; and since the leader is told of
 * clients every half tick, which is a quarter of the shortest timeout, that says nothing of our last
 * messages but of those before.
 */
export class Touches {
  readonly #lease: Lease;
  readonly #lag: number;
  #connection: Connection | undefined;
  // When we were heard of by this connection, the latest last.
  #sent: number[] = [];

  constructor(lease: Lease, { isAlone }: { isAlone: boolean }) {
    this.#lease = lease;
    this.#lag = isAlone ? 0 : lease.ttl / 4;
  }

  /** Something was sent at this instant, and has been answered, for an ensemble by a majority or not. */
  answered(connection: Connection, sentAt: number, { byMajority }: { byMajority: boolean }): void {
    if (this.#lag === 0) return this.#lease.renewed(sentAt);
    if (connection !== this.#connection) this.#sent = [];
    this.#connection = connection;
    if (byMajority) {
      const known = this.#sent.findLastIndex((at) => at <= sentAt - this.#lag);
      // The leader is asked when a connection is made.
      this.#lease.renewed(this.#sent[known] ?? connection.askedAt);
      this.#sent.splice(0, known);
    }
    this.#sent.push(sentAt);
  }
}
