import type { Watches } from "./connection/watches.js";

/** What is told of the one that is before a request. */
export interface RivalListener {
  /** It is gone, or may be: how the request stands is to be read. */
  gone(): void;
  /** Nothing is told any more. */
  ended(): void;
}

/** The last of those before a request, and no others: of a crowd only one is woken. */
export class Rival {
  readonly end: () => void;
  readonly #key: Buffer;
  #isGone = false;

  /** It was there at a revision; if anything happened since, it may be gone before it is watched. */
  constructor(watches: Watches, key: Buffer, at: string, listener: RivalListener) {
    this.#key = key;
    const confirmed = (watchedFrom: string): void => {
      if (watchedFrom !== at) listener.gone();
    };
    const changed = (how: "Put" | "Delete"): void => {
      if (how !== "Delete") return;
      this.#isGone = true;
      listener.gone();
    };
    const ended = (): void => listener.ended();
    this.end = watches.watch({ key }, { confirmed, changed, ended });
  }

  /**
   * Whether it tells when that one leaves. Not once it has told: what is read then may be older than what
   * was told, because etcd tells before it lets read, and has it as the last once more.
   */
  follows(key: Buffer): boolean {
    return !this.#isGone && this.#key.equals(key);
  }
}
