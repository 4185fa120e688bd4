import { inTime, type Hold, type Run } from "./run.js";

/** A time for which a reader held the lock shared. */
export interface Reading extends Hold {
  /** The number when it began. */
  readonly first: number;
  /** The number when it ended. */
  readonly second: number;
}

/** All that is known of the turns that writers took while readers read. */
export interface SharedRun extends Pick<Run, "expected" | "final" | "turns" | "ends"> {
  /** The processes that read. */
  readonly readers: readonly number[];
  readonly readings: readonly Reading[];
  /** The processes that write, each as many turns. */
  readonly writers: readonly number[];
}

/** The readings that began while another reader was in. */
export function together({ readings }: Pick<SharedRun, "readings">): Reading[] {
  let latest: bigint | undefined;
  return inTime(readings).filter(({ from, to }) => {
    const joins = latest !== undefined && from <= latest;
    if (latest === undefined || to > latest) latest = to;
    return joins;
  });
}

/**
 * Each hold, in the order in which they were acquired, after that one of those before it that exclude
 * it which has the greatest `key`: a turn excludes everything, a reading only turns.
 */
export function afterExcluded(
  { turns, readings }: Pick<SharedRun, "turns" | "readings">,
  key: (hold: Hold) => bigint,
): [Hold, Hold][] {
  const writes = new Set<Hold>(turns);
  let anybody: Hold | undefined;
  let writer: Hold | undefined;
  return inTime<Hold>([...turns, ...readings]).flatMap((hold): [Hold, Hold][] => {
    const before = writes.has(hold) ? anybody : writer;
    if (!anybody || key(hold) > key(anybody)) anybody = hold;
    if (writes.has(hold) && (!writer || key(hold) > key(writer))) writer = hold;
    return before ? [[before, hold]] : [];
  });
}
