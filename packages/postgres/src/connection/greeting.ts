import { CoordError } from "@coord/core/driver";
import { homes, type Keys } from "../keys.js";
import { preparations } from "../statements.js";
import { fenceOf, type Fencing } from "./fence.js";
import { makeSure } from "./sequence.js";
import type { Wire } from "./wire.js";

/** What a server says of itself. */
export interface ServerFacts {
  /** The process of the server that serves the connection. */
  readonly backend: number;
  /** How many locks there is room for, of all sessions. */
  readonly room: number;
}

interface Greeting {
  readonly keys: Keys;
  readonly fencing: Fencing;
}

const oldest = 140_000;

/**
 * What the connection that holds locks begins with, once it is known that no pooler lends it out.
 * @returns the place in which it is at home, if there was one left
 */
export async function greetHolder(
  wire: Wire,
  { keys, fencing }: Greeting,
): Promise<number | undefined> {
  await wire.run(
    `${setAll({ ...harmless, plan_cache_mode: "force_generic_plan" })};${whereNeeded}`,
  );
  if (fencing.by === "sequence") await makeSure(wire, fencing);
  const home = await findHome(wire, keys.home);
  await wire.run(preparations({ channel: keys.channel, home, token: fenceOf(fencing) }));
  return home;
}

/** Takes a place in which nobody else is at home; undefined where there is none. */
async function findHome(wire: Wire, key: bigint): Promise<number | undefined> {
  const [row] = await wire.run(
    `SELECT i FROM generate_series(0, ${homes - 1}) i WHERE pg_try_advisory_lock((${key})::bigint # i) LIMIT 1`,
  );
  return row && Number(row[0]);
}

/**
 * From now on the server ends the session when it heard nothing for so long: not before we have given
 * it up ourselves, and soon after. TCP counts whole seconds for the first, and one more for the probe
 * that is not answered.
 */
export function endUnheard(ttl: number): string {
  const heardFor = String(Math.ceil(ttl) + 500);
  return setAll({
    idle_session_timeout: heardFor,
    tcp_user_timeout: heardFor,
    tcp_keepalives_idle: String(Math.max(1, Math.floor(ttl / 1000))),
    tcp_keepalives_interval: "1",
    tcp_keepalives_count: "1",
  });
}

/** What the connection that hears begins with: it is never closed for having nothing to say. */
export async function greetHearer(wire: Wire): Promise<void> {
  await wire.run(setAll(harmless));
}

// What a role, a database or a user's variable may have set otherwise, to what does no harm here.
const harmless = {
  search_path: "pg_catalog",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_session_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  default_transaction_read_only: "off",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  client_min_messages: "error",
  jit: "off",
};

function setAll(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `SET ${name} = '${value}'`)
    .join(";");
}

// Of a server that knows it; and less than `on` may give a token again after a crash.
const whereNeeded = `SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 170000;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')`;

/** Throws COORD_UNAVAILABLE for a server that will not do. Nothing is changed at it. */
export async function factsOf(wire: Wire): Promise<ServerFacts> {
  const [row = []] = await wire.run(
    `SELECT pg_backend_pid(), current_setting('server_version_num'), pg_is_in_recovery(), current_setting('transaction_read_only'),
      current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)`,
  );
  const [backend, version, standby, readOnly, room] = row;
  if (Number(version) < oldest) {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `PostgreSQL ${version} is too old: it does not end sessions that say nothing. Use 14 or later.`,
    );
  }
  if (standby === "t" || readOnly === "on") {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      "This PostgreSQL is a standby, or read-only: locks taken on it exclude nobody elsewhere. Name the primary, or several hosts to find it among.",
    );
  }
  return { backend: Number(backend), room: Number(room) };
}
