import { jain } from "./statistics.js";
import type { Turn, TurnsLog } from "./turns-log.js";

/** What several processes made of one lock in a window of time. All times are milliseconds. */
export interface Switches {
  /** From the owner's call of `release()` to the next owner's `acquire()` resolving, for each change of owner. */
  readonly times: readonly number[];
  /** The longest that anybody waited for a turn, up to the end of the window for one who got none. */
  readonly longestWait: number;
  /** How many turns each process had. */
  readonly turns: readonly number[];
  /** Of those. */
  readonly fairness: number;
}

/**
 * Counts the changes of owner within [from, until). A turn after one of the same process is no change.
 * @throws when two had the lock at once: what was measured is not a lock
 */
export function switchesOf(logs: readonly TurnsLog[], from: bigint, until: bigint): Switches {
  const times: number[] = [];
  const turns = logs.map(() => 0);
  let longestWait = 0;
  let last: { readonly owner: number; readonly turn: Turn } | undefined;
  for (const { owner, turn } of inOrder(logs)) {
    if (last && turn.got < last.turn.left) {
      throw new Error("two processes had the lock at once: these are no figures of a lock");
    }
    if (turn.got >= from && turn.got < until) {
      turns[owner] = (turns[owner] ?? 0) + 1;
      if (last && last.owner !== owner) times.push(milliseconds(last.turn.left, turn.got));
    }
    // Whoever got the lock after the end was let in because the others had stopped.
    const waited = milliseconds(turn.asked, turn.got < until ? turn.got : until);
    if (turn.got >= from) longestWait = Math.max(longestWait, waited);
    last = { owner, turn };
  }
  return { times, longestWait, turns, fairness: jain(turns) };
}

/** The turns of all, as they followed each other. Each log is in order by itself. */
function* inOrder(logs: readonly TurnsLog[]): Generator<{ owner: number; turn: Turn }> {
  const places = logs.map(() => 0);
  const heads = logs.map((log) => log.at(0));
  for (;;) {
    let owner = -1;
    let first: Turn | undefined;
    for (const [index, head] of heads.entries()) {
      if (head && (!first || head.got < first.got)) [owner, first] = [index, head];
    }
    if (!first) return;
    const next = (places[owner] ?? 0) + 1;
    places[owner] = next;
    heads[owner] = logs[owner]?.at(next);
    yield { owner, turn: first };
  }
}

function milliseconds(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6;
}
