import { createHash } from "node:crypto";

/** How a lock's name becomes the key that PostgreSQL locks: a signed integer of 64 bits. */
export type KeyForm = (namespace: string, name: string) => bigint;

/**
 * The first eight bytes, as a signed big-endian integer, of the SHA-256 of the namespace, a NUL and
 * the name, in UTF-8.
 */
export const sha256Key: KeyForm = (namespace, name) =>
  createHash("sha256").update(`${namespace}\0${name}`).digest().readBigInt64BE(0);

/** How many of those who wait for one lock can be told apart, and so be woken one by one. */
export const slots = 16;

/**
 * As many sessions of a namespace are at home in a place: at each lock it is theirs and nobody else's, so
 * that they are told on a channel of their own. All others share the other places, and a channel.
 */
export const homes = 8;

/**
 * What there is of one lock besides its key, each the key with its last five bits changed by XOR, so
 * that all are near each other in pg_locks.
 */
export const parts = {
  /** Held shared by whoever waits; alone for a moment by whoever looks whether somebody does. */
  waiting: 1,
  /** Held by a writer who is next: readers stay out. */
  gate: 2,
  /** The first of the places of those who wait, each held by one of them. */
  firstSlot: 16,
} as const;

const mostKnown = 1_000;

/** Where locks are. */
export class Keys {
  /** What is said of locks of this namespace is said on this channel, or on one of those at home. */
  readonly channel: string;
  /** Of who is at home in the first place; the others are this with their numbers XOR. */
  readonly home: bigint;
  readonly #namespace: string;
  readonly #form: KeyForm;
  // What is asked again and again is hashed once.
  readonly #known = new Map<string, bigint>();

  constructor(namespace: string, form: KeyForm = sha256Key) {
    this.#namespace = namespace;
    this.#form = form;
    const hash = createHash("sha256").update(namespace).digest("hex").slice(0, 16);
    this.channel = `coord_${hash}`;
    // There is a NUL in what makes any lock's.
    this.home = createHash("sha256").update(`home ${namespace}`).digest().readBigInt64BE(0);
  }

  of(name: string): bigint {
    let key = this.#known.get(name);
    if (key === undefined) {
      key = this.#form(this.#namespace, name);
      if (this.#known.size === mostKnown) this.#known.clear();
      this.#known.set(name, key);
    }
    return key;
  }
}

/** The key that a session holds for as long as it lives, and nobody else ever. */
export function sessionKey(id: string): bigint {
  return sha256Key("", id);
}

/** Both halves of a key, as pg_locks has them in `classid` and `objid`. */
export function halves(key: bigint): readonly [classid: bigint, objid: bigint] {
  const bits = BigInt.asUintN(64, key);
  return [bits >> 32n, bits & 0xffff_ffffn];
}
