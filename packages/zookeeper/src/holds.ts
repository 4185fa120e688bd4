import type { Candidate } from "./candidate.js";
import type { Connection } from "./connection/connection.js";
import { codeOf, noNode } from "./connection/failures.js";
import type { Wishes } from "./line.js";
import { readRecord } from "./records.js";

/** How many are looked at in one go: beats must not wait for long behind them. */
const atOnce = 500;

/** The node by which who takes a lock by force says so, beside the one that is taken. */
export function tombstoneOf(node: string): string {
  return `${node}.broken`;
}

/**
 * What is held, watched for being taken away or asked for. That begins with the first beat after the
 * grant, because most holds are short, and anew with every connection.
 */
export class Holds {
  readonly #wishes: Wishes;
  #isLooking = false;

  constructor(wishes: Wishes) {
    this.#wishes = wishes;
  }

  /** Watches what is not watched yet. */
  async watch(candidates: Iterable<Candidate>, connection: Connection): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const all = [...candidates].filter(
        ({ claim, watchedBy }) => claim.granted && watchedBy !== connection,
      );
      for (let from = 0; from < all.length; from += atOnce) {
        await Promise.all(
          all.slice(from, from + atOnce).map((each) => this.#look(each, connection)),
        );
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(candidate: Candidate, connection: Connection): Promise<void> {
    const { node, claim } = candidate;
    if (node === undefined || !this.#wishes.has(candidate)) return;
    candidate.watchedBy = connection;
    try {
      const { data } = await connection.data(node, () => void this.#look(candidate, connection));
      if (readRecord(data).word !== "asked") return;
      candidate.isBroken = true;
      claim.lose("broken");
    } catch (error) {
      // What else went wrong is a matter of the next beat, or connection.
      if (codeOf(error) === noNode) await this.#gone(candidate, node, connection);
      else candidate.watchedBy = undefined;
    }
  }

  async #gone(candidate: Candidate, node: string, connection: Connection): Promise<void> {
    if (!this.#wishes.has(candidate)) return;
    const tombstone = tombstoneOf(node);
    const found = await connection.exists(tombstone).catch(() => undefined);
    if (!this.#wishes.has(candidate)) return;
    this.#wishes.drop(candidate);
    candidate.claim.lose(found ? "broken" : "taken");
    if (found) await connection.delete(tombstone).catch(() => {});
  }
}
