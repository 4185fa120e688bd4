import { CoordError } from "@coord/core/driver";
import { sqlStateOf } from "./wire.js";

/** What is wrong with a server, and what to do. */
export function explained(error: unknown): unknown {
  // Of pgbouncer, which closes the connection then.
  if (error instanceof Error && /statement pooling mode/.test(error.message)) return pooled(error);
  const what = advice[sqlStateOf(error)];
  if (what === undefined) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CoordError("COORD_UNAVAILABLE", `PostgreSQL refuses: ${message}. ${what}`, {
    cause: error,
  });
}

const advice: Readonly<Record<string, string | undefined>> = {
  "53300":
    "Each coordinator needs two connections: raise max_connections, or stop what uses them up.",
  "53200": "Its lock table is full: raise max_locks_per_transaction, or lower max_holds.",
  "3D000": "Create the database, or name another one in the URL.",
  "28P01": "Correct the password.",
  "28000": "Correct the user, or let pg_hba.conf admit it.",
  "57P03": "It is starting or stopping: try again.",
  "42501": "Grant the role what the README lists.",
};

const poolers = new WeakSet<object>();

/** The error for a pooler that lends out connections. */
export function pooled(cause?: unknown): CoordError {
  const error = new CoordError(
    "COORD_UNAVAILABLE",
    "Between here and PostgreSQL there is a pooler that lends out its connections for a transaction or a statement: others would have our locks. Connect to the server itself, or to a pool in session mode.",
    cause === undefined ? {} : { cause },
  );
  poolers.add(error);
  return error;
}

/** Whether it is that error. */
export function isPooled(error: unknown): boolean {
  return typeof error === "object" && error !== null && poolers.has(error);
}
