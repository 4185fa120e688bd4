/** One turn: when the lock was asked for, when it was there, and when giving it back began. */
export interface Turn {
  readonly asked: bigint;
  readonly got: bigint;
  readonly left: bigint;
}

const fields = 3;

/**
 * Turns of one process, as instants of `process.hrtime.bigint()`, which all processes share. They lie
 * in one array, made beforehand, so that writing one down makes no garbage.
 */
export class TurnsLog {
  #instants: BigInt64Array;
  #used = 0;

  constructor(instants: BigInt64Array = new BigInt64Array(fields * 2 ** 17)) {
    this.#instants = instants;
  }

  /** Reads what `instants()` gave, maybe in another process. */
  static of(instants: BigInt64Array): TurnsLog {
    const log = new TurnsLog(instants);
    log.#used = instants.length;
    return log;
  }

  get length(): number {
    return this.#used / fields;
  }

  add(asked: bigint, got: bigint, left: bigint): void {
    if (this.#used === this.#instants.length) {
      const more = new BigInt64Array(this.#instants.length * 2);
      more.set(this.#instants);
      this.#instants = more;
    }
    this.#instants[this.#used] = asked;
    this.#instants[this.#used + 1] = got;
    this.#instants[this.#used + 2] = left;
    this.#used += fields;
  }

  /** The turn of an index, or undefined after the last. */
  at(index: number): Turn | undefined {
    const start = index * fields;
    if (start >= this.#used) return undefined;
    const [asked = 0n, got = 0n, left = 0n] = this.#instants.subarray(start, start + fields);
    return { asked, got, left };
  }

  /** All of them, to be sent. */
  instants(): BigInt64Array {
    return this.#instants.slice(0, this.#used);
  }
}
