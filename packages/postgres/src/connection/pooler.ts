import { CoordError } from "@coord/core/driver";
import { pooled } from "./refusals.js";
import { sqlStateOf, type Wire } from "./wire.js";

/** How often a pooler is looked at: while others use it, one that lends connections out may not show it at once. */
const looks = 5;

/** Who serves a connection now, and when that server started. */
interface Served {
  readonly by: number;
  readonly since: string | null | undefined;
}

/**
 * That each connection keeps the server's process to itself: a pooler that lends them out for a
 * transaction would hand our locks to others. A server says at the beginning which process it is; a
 * pooler says a number of its own, and has to show that it gives the same process again and again.
 * Nothing is changed at it. Throws COORD_UNAVAILABLE.
 */
export async function refusePooler(holder: Wire, hearer: Wire): Promise<void> {
  try {
    const [one, other] = [await serving(holder), await serving(hearer)];
    if (one.by === other.by) throw pooled();
    if (one.since !== other.since) throw severalServers();
    if (one.by === holder.backend && other.by === hearer.backend) return;
    for (let look = 0; look < looks; look++) {
      // From a pool in turns.
      for (const wire of [holder, holder]) await expectServed(wire, one);
      // For the transaction alone: what it would be set back for may be another's.
      await hearer.run(
        "BEGIN;SET LOCAL idle_in_transaction_session_timeout = 0;SET LOCAL statement_timeout = 0",
      );
      await expectServed(hearer, other);
      await expectServed(holder, one);
      await hearer.run("COMMIT");
    }
  } catch (error) {
    // What the server says, not that the connection broke.
    throw sqlStateOf(error) === "" ? error : pooled(error);
  }
}

async function expectServed(wire: Wire, { by }: Served): Promise<void> {
  if ((await serving(wire)).by !== by) throw pooled();
}

async function serving(wire: Wire): Promise<Served> {
  const [[backend, since] = []] = await wire.run(
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_postmaster_start_time()",
  );
  return { by: Number(backend), since };
}

function severalServers(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "Two connections to PostgreSQL came to two servers. Name each server by itself: locks are not replicated.",
  );
}
