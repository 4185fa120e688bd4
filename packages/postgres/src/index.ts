import {
  CoordError,
  register,
  type Driver,
  type SessionContext,
  type Traits,
} from "@coord/core/driver";
import { fencingOf, type Fencing } from "./connection/fence.js";
import { targetsOf, type PostgresUrl } from "./connection/targets.js";
import { Keys } from "./keys.js";
import { options } from "./options.js";
import { PostgresSession } from "./session.js";

export type { PostgresHolder } from "./holders.js";
export {
  withTransaction,
  type TransactionClient,
  type TransactionLock,
  type TransactionOptions,
} from "./transaction.js";

/** In how many milliseconds all the servers that a URL names have been tried: core waits no longer. */
const openWithin = 9_000;

/**
 * A PostgreSQL server, 14 or later, `postgresql://[user[:password]@][host[:port],…][/database]`, with
 * libpq's options and `PG…` variables. Locks are advisory locks of a session: no table has them.
 */
export const postgres: Driver<typeof options> = {
  name: "postgres",
  schemes: ["postgres", "postgresql"],
  options,
  open: async (url, context) => openSession(url, context),
};

function openSession(url: PostgresUrl, context: SessionContext): Promise<PostgresSession> {
  const { lock_timeout: lockTimeout, namespace = "coord", max_holds: maxHolds } = url.options;
  if (namespace.includes("\0")) {
    throw new CoordError("COORD_BAD_OPTION", '"namespace" has a NUL in it. Leave that out.');
  }
  const ttl = lockTimeout ?? context.ttl;
  const fencing = fencingOf(url.options);
  const targets = targetsOf(url);
  const place = {
    targets,
    keys: new Keys(namespace),
    fencing,
    traits: traitsOf(fencing),
    within: Math.min(ttl / 4, 2_000),
    connectWithin: url.options.connect_timeout ?? Math.min(5_000, openWithin / targets.length),
    maxHolds,
  };
  return PostgresSession.open(place, { ...context, ttl });
}

function traitsOf({ by }: Fencing): Traits {
  return {
    reach: "network",
    liveness: "connection",
    // The death of a holder wakes nobody: it is looked for 20 times a second.
    crashReleaseMs: 100,
    fair: false,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: by === "xid" ? "numbers of transactions" : "a sequence",
    tokenSurvives: { dataLoss: false, failover: false, clockStep: true },
    wake: "push+recheck",
    holderInfo: ["member", "shared"],
    revocable: ["break", "revocation", "dataLoss", "failover"],
  };
}

register(postgres);
