import { CoordError } from "@coord/core/driver";
import { sqlStateOf, Wire, type Target, type WireOptions } from "./wire.js";

/** A connection, and where it leads to. */
export interface Opened {
  readonly wire: Wire;
  readonly target: Target;
}

/** Connects to the first of the servers that will do; rejects COORD_UNAVAILABLE with what the last one said. */
export async function openFirst(targets: readonly Target[], options: WireOptions): Promise<Opened> {
  let failure: unknown;
  for (const [index, target] of targets.entries()) {
    const before = targets[index - 1];
    const again = before?.host === target.host && before.port === target.port;
    // The same server is asked a second time only if the first way to speak was what was wrong.
    if (again && !isAboutTls(failure)) continue;
    try {
      return { wire: await Wire.open(target, options), target };
    } catch (error) {
      failure = error;
    }
  }
  throw explained(failure);
}

function isAboutTls(error: unknown): boolean {
  return (
    (error instanceof Error && /\bSSL\b/.test(error.message)) || sqlStateOf(error) === "28000"
  );
}

/** What is wrong with a server, and what to do. */
export function explained(error: unknown): unknown {
  const what = advice[sqlStateOf(error)];
  if (what === undefined) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CoordError("COORD_UNAVAILABLE", `PostgreSQL refuses: ${message}. ${what}`, {
    cause: error,
  });
}

const advice: Readonly<Record<string, string | undefined>> = {
  "53300": "Each coordinator needs two connections: raise max_connections, or stop what uses them up.",
  "53200": "Its lock table is full: raise max_locks_per_transaction, or lower max_holds.",
  "3D000": "Create the database, or name another one in the URL.",
  "28P01": "Correct the password.",
  "28000": "Correct the user, or let pg_hba.conf admit it.",
  "57P03": "It is starting or stopping: try again.",
  "42501": "Grant the role what the README lists.",
};
