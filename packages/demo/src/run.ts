import type { End } from "./team.js";

/** A time for which a process held the lock. Instants are nanoseconds of one clock for all processes. */
export interface Hold {
  readonly process: number;
  /** The fencing token. */
  readonly token: bigint;
  /** When the lock was asked for. */
  readonly asked: bigint;
  /** When the lock was acquired. */
  readonly from: bigint;
  /** The last instant at which it was surely held: before the release, or before the kill. */
  readonly to: bigint;
}

/** A turn under the lock that was taken to its end. */
export interface Turn extends Hold {
  /** The number it wrote. */
  readonly wrote: number;
}

/** The hold in which a process was killed. */
export interface Killed extends Hold {
  /** The number it had read; it wrote none. */
  readonly read: number;
}

/** All that is known of the turns taken under the lock. */
export interface Run {
  /** How many turns there had to be. */
  readonly expected: number;
  /** The number in the file at the end. */
  readonly final: number;
  readonly turns: readonly Turn[];
  readonly killed: Killed;
  readonly ends: readonly End[];
}

/** In the order in which the lock was acquired. */
export function inTime<Item extends Hold>(holds: readonly Item[]): Item[] {
  return holds.toSorted((one, other) => (one.from < other.from ? -1 : 1));
}

/** The first turn after the kill, if any. */
export function turnAfterKill({ turns, killed }: Run): Turn | undefined {
  return inTime(turns).find((turn) => turn.from > killed.to);
}

/** Each item together with the one after it. */
export function neighbours<Item>(items: readonly Item[]): [Item, Item][] {
  return items.slice(1).flatMap((after, index): [Item, Item][] => {
    const before = items[index];
    return before === undefined ? [] : [[before, after]];
  });
}
