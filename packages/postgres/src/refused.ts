import { CoordError } from "@coord/core/driver";
import { explained } from "./connection/refusals.js";

/** The error for a server that does not answer. */
export function unavailable(cause: unknown): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "PostgreSQL does not answer. See whether the server runs and can be reached.",
    { cause },
  );
}

/** The error for whoever asks a session that has ended. */
export function isOver(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "This session with PostgreSQL is over. Ask the next one.",
  );
}

/** The error for one lock more than a coordinator may have. */
export function tooMany(maxHolds: number): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    `This coordinator holds and waits for ${maxHolds} locks, which is all it may of PostgreSQL's lock table. Raise max_locks_per_transaction at the server, or max_holds in the URL.`,
  );
}

/** The error for what the server refused to do. */
export function failure(cause: unknown): unknown {
  const error = explained(cause);
  if (error !== cause) return error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CoordError(
    "COORD_UNAVAILABLE",
    `PostgreSQL refuses: ${message}. See what its log says.`,
    { cause },
  );
}
