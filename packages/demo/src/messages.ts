import { isCoordError } from "@coord/core";

/** How long a turn works between reading the number and writing it: long enough to be watched. */
export const workMs = 4;

/** What a worker is told. */
export type Order =
  | Work
  | Watch
  /** Start: everybody is ready. */
  | { readonly kind: "go" }
  /** Take the last turn too; see `Work.waitsForFinish`. */
  | { readonly kind: "finish" }
  /** Read once more, and no more; see `Watch`. */
  | { readonly kind: "enough" }
  /** There is no more work. */
  | { readonly kind: "end" };

/** Turns to take, once told to go. */
export interface Work {
  readonly kind: "work";
  /** The file to count in. */
  readonly counter: string;
  readonly turns: number;
  /** The lock to take each turn under; without it, there is none. */
  readonly lock?: LockPlace;
  /** How many milliseconds to wait for the lock at most. @default 30_000 */
  readonly patience?: number;
  /** In this turn, counted from 1, keep the lock and write nothing, until killed. */
  readonly staysIn?: number;
  /** Whether to wait for the order "finish" before the last turn. */
  readonly waitsForFinish?: boolean;
}

/** Reading to do, over and over, once told to go and until told that it is enough. */
export interface Watch {
  readonly kind: "watch";
  /** The file with the number. */
  readonly counter: string;
  /** The lock to hold shared for each reading. */
  readonly lock: LockPlace;
}

/** Where to find a lock. */
export interface LockPlace {
  readonly backendUrl: string;
  readonly name: string;
}

/** What a worker says. Instants are nanoseconds of `process.hrtime.bigint()`, one clock for all. */
export type Report =
  /** It has all it needs for the work it was given. */
  | { readonly kind: "ready" }
  /** It is about to ask for the lock. */
  | { readonly kind: "asking" }
  | TurnReport
  | HoldingReport
  | ReadingReport
  /** It took all its turns, or read once more. */
  | { readonly kind: "done" }
  /** It cannot go on, and ends. */
  | { readonly kind: "failed"; readonly message: string };

/** A turn under the lock is over. */
interface TurnReport {
  readonly kind: "turn";
  readonly token: bigint;
  /** When the lock was asked for. */
  readonly asked: bigint;
  readonly wrote: number;
  /** When the lock was acquired. */
  readonly from: bigint;
  /** The last instant before it was released. */
  readonly to: bigint;
}

/** It holds the lock, has read the number, and stays so until killed. */
export interface HoldingReport {
  readonly kind: "holding";
  readonly token: bigint;
  readonly asked: bigint;
  readonly read: number;
  readonly from: bigint;
}

/** A reading under the shared lock is over. */
interface ReadingReport {
  readonly kind: "reading";
  readonly token: bigint;
  readonly asked: bigint;
  readonly from: bigint;
  readonly to: bigint;
  /** The number when the reading began. */
  readonly first: number;
  /** The number when it ended. */
  readonly second: number;
}

/** An error in one line, with its code if it is this library's. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = isCoordError(error) ? `${error.code}: ${message}` : message;
  return text.replaceAll(/\s*\n\s*/g, " ");
}
