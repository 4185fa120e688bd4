import type { DeletionListener, Listening } from "./connection/deletions.js";

/** What is told of the place of a request in its line. */
export interface AheadListener {
  /** Nobody is before it any more. */
  free(): void;
  /** Its own key was deleted, at a revision. */
  removed(at: bigint): void;
  /** Something may have been missed: who is before it is to be read again. */
  unsure(): void;
  /** Nothing is told any more. */
  ended(): void;
}

/**
 * Those before a request: who they were is read once, and that they left is told. Whoever comes later
 * is behind it, so they only become fewer.
 */
export class Ahead implements DeletionListener {
  readonly #own: string;
  readonly #listener: AheadListener;
  readonly #listening: Listening;
  // What was told before it is known who they are.
  readonly #early: [key: string, at: bigint][] = [];
  #left: Set<string> | undefined;
  // The revision as of which they were read.
  #at = 0n;
  // Its own key is gone, or nobody wants to know any more: who was before that key is no matter.
  #isOver = false;

  constructor(
    own: Buffer,
    listener: AheadListener,
    listen: (listener: DeletionListener) => Listening,
  ) {
    this.#own = own.toString("latin1");
    this.#listener = listener;
    this.#listening = listen(this);
  }

  /** Of two answers the later one may have been read earlier: who was not in one of them is gone. */
  were(keys: readonly Buffer[], revision: string): void {
    const at = BigInt(revision);
    const read = keys.map((key) => key.toString("latin1"));
    this.#left = new Set(read.filter((key) => this.#left?.has(key) ?? true));
    if (at > this.#at) this.#at = at;
    for (const [key, since] of this.#early.splice(0)) this.#delete(key, since);
    this.confirmed();
  }

  confirmed(): void {
    const { since } = this.#listening;
    if (this.#isOver || !this.#left || since === undefined) return;
    if (since > this.#at) this.#listener.unsure();
    else if (this.#left.size === 0) this.#listener.free();
  }

  deleted(key: Buffer, at: bigint): void {
    const name = key.toString("latin1");
    if (!this.#left) return void this.#early.push([name, at]);
    this.#delete(name, at);
    this.confirmed();
  }

  ended(): void {
    this.#listener.ended();
  }

  end(): void {
    this.#isOver = true;
    this.#listening.leave();
  }

  #delete(key: string, at: bigint): void {
    // What was deleted before is there again.
    if (this.#isOver || at <= this.#at) return;
    if (key !== this.#own) return void this.#left?.delete(key);
    this.#isOver = true;
    this.#listener.removed(at);
  }
}
