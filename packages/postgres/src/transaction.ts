import { CoordError, refuseUnknown, systemClock } from "@coord/core/driver";
import {
  fenceOf,
  forbidden,
  identifier,
  literal,
  tokenSequence,
  type TokenSequence,
} from "./connection/fence.js";
import { beginEpoch, isForbidden, perEpoch } from "./connection/sequence.js";
import { sqlStateOf } from "./connection/wire.js";
import { Keys, parts } from "./keys.js";

/** A client of the user's: of `pg`, or anything that asks one connection in the same way. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): PromiseLike<{ rows: Record<string, unknown>[] }>;
}

/** What `withTransaction()` takes besides the lock's name. */
export interface TransactionOptions {
  /** For how long to wait, in milliseconds; 0: not at all. @default without an end */
  readonly timeout?: number;
  /** Together with others who have it so. @default false */
  readonly shared?: boolean;
  /** As in the URL of the coordinators that use the same locks. @default "coord" */
  readonly namespace?: string;
  /** As in that URL. @default "public.coord_token" */
  readonly sequence?: string;
}

/** A lock that a transaction has until it ends. */
export interface TransactionLock {
  readonly name: string;
  /** Of two holds of a name that exclude each other, the later has the greater token. */
  readonly token: bigint;
  readonly shared: boolean;
}

/**
 * Calls `fn` with a lock that belongs to a transaction of `client`, and excludes those of coordinators
 * of the same namespace, prefix and name included. If a transaction is open it is that one, and the
 * lock is held until the user ends it; else `fn` gets one of its own, committed when it resolves and
 * rolled back when it rejects. There is no lease and no signal: what the transaction commits, it
 * commits under the lock.
 *
 * Rejects COORD_BUSY after the timeout, COORD_DEADLOCK where PostgreSQL finds one, COORD_BAD_OPTION for
 * options that there are not, and leaves the user's transaction usable and its settings as they were.
 * `client` must not be used by others meanwhile.
 */
export async function withTransaction<T>(
  client: TransactionClient,
  name: string,
  options: TransactionOptions,
  fn: (lock: TransactionLock) => T | PromiseLike<T>,
): Promise<T> {
  refuseUnknown(options, ["timeout", "shared", "namespace", "sequence"]);
  const { timeout = Infinity, shared = false, namespace = "coord" } = options;
  if (typeof timeout !== "number" || !(timeout >= 0)) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      '"timeout" must be a number of milliseconds, 0 or more.',
    );
  }
  const sequence = tokenSequence(options.sequence);
  const key = new Keys(namespace).of(name);
  const own = await begin(client);
  let lock: TransactionLock;
  try {
    const waiting = new Waiting(client, timeout);
    await waiting.run(async () => {
      if (shared)
        await waiting.through(key ^ BigInt(parts.gate), () => waiting.take(key, "_shared"));
      else await waiting.take(key, "");
    });
    lock = { name, shared, token: await draw(client, sequence) };
    await client.query("RELEASE SAVEPOINT coord_lock");
  } catch (error) {
    // With it all that was set and taken since.
    await client.query("ROLLBACK TO SAVEPOINT coord_lock");
    await client.query("RELEASE SAVEPOINT coord_lock");
    if (own) await client.query("ROLLBACK");
    throw explainedFor(name, error, sequence);
  }
  if (!own) return fn(lock);
  try {
    const value = await fn(lock);
    await client.query("COMMIT");
    return value;
  } catch (error) {
    // What the body threw is what the user sees.
    await Promise.resolve(client.query("ROLLBACK")).catch(() => {});
    throw error;
  }
}

/** Waits in the server's own queue, with timeouts that are the user's again afterwards. */
class Waiting {
  readonly #client: TransactionClient;
  readonly #timeout: number;
  readonly #until: number;

  constructor(client: TransactionClient, timeout: number) {
    this.#client = client;
    this.#timeout = timeout;
    this.#until = systemClock.now() + timeout;
  }

  async run(work: () => Promise<void>): Promise<void> {
    const current = (name: string): string => `pg_catalog.current_setting('${name}') AS ${name}`;
    const [before = {}] = await ask(
      this.#client,
      `SELECT ${current("lock_timeout")}, ${current("statement_timeout")}`,
    );
    await work();
    await this.#set(before["lock_timeout"], before["statement_timeout"]);
  }

  async take(key: bigint, how: "" | "_shared"): Promise<void> {
    await this.#take(`pg_catalog.pg_advisory_xact_lock${how}`, key);
  }

  /** Holds another lock shared while it works. That one is the session's, and outlives a rollback. */
  async through(gate: bigint, work: () => Promise<void>): Promise<void> {
    await this.#take("pg_catalog.pg_advisory_lock_shared", gate);
    try {
      await work();
    } catch (error) {
      await this.#client.query("ROLLBACK TO SAVEPOINT coord_lock");
      throw error;
    } finally {
      await this.#client.query(`SELECT pg_catalog.pg_advisory_unlock_shared(${gate})`);
    }
  }

  async #take(lock: string, key: bigint): Promise<void> {
    const left = Math.max(0, this.#until - systemClock.now());
    if (this.#timeout === 0) {
      const attempt = lock.replace("pg_advisory_", "pg_try_advisory_");
      const [row] = await ask(this.#client, `SELECT ${attempt}(${key}) AS taken`);
      if (row?.["taken"] !== true) throw new NotTaken();
      return;
    }
    // 0 is without an end for PostgreSQL, and so is what it cannot count.
    const ms = left > 2 ** 31 - 1 ? 0 : Math.max(1, Math.ceil(left));
    await this.#set(String(ms), "0");
    await this.#client.query(`SELECT ${lock}(${key})`);
  }

  async #set(lockTimeout: unknown, statementTimeout: unknown): Promise<void> {
    await this.#client.query(
      "SELECT pg_catalog.set_config('lock_timeout', $1, true), pg_catalog.set_config('statement_timeout', $2, true)",
      [lockTimeout, statementTimeout],
    );
  }
}

class NotTaken extends Error {}

/** Whether the transaction is ours: none was open. */
async function begin(client: TransactionClient): Promise<boolean> {
  try {
    await client.query("SAVEPOINT coord_lock");
    return false;
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === "25P02") {
      throw new CoordError(
        "COORD_UNAVAILABLE",
        "The transaction has failed before, and takes no lock. Roll it back first.",
        { cause: error },
      );
    }
    if (state !== "25P01") throw error;
  }
  await client.query("BEGIN");
  await client.query("SAVEPOINT coord_lock");
  return true;
}

async function draw(client: TransactionClient, sequence: TokenSequence): Promise<bigint> {
  const next = `SELECT ${fenceOf(sequence)} AS token`;
  const id = `${literal(identifier(sequence))}::pg_catalog.regclass::pg_catalog.oid`;
  const kind = `(SELECT relpersistence FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) ${id})`;
  const drawn = await ask(client, `${next}, ${kind} AS kind`);
  if (tokenIn(drawn) > perEpoch || drawn[0]?.["kind"] !== "u") return tokenIn(drawn);
  await client.query("SAVEPOINT coord_epoch");
  for (const statement of beginEpoch(sequence)) await client.query(statement);
  // Not what it did, but the lock.
  await client.query("ROLLBACK TO SAVEPOINT coord_epoch");
  await client.query("RELEASE SAVEPOINT coord_epoch");
  return tokenIn(await ask(client, next));
}

function tokenIn([row]: Record<string, unknown>[]): bigint {
  return BigInt(String(row?.["token"]));
}

async function ask(client: TransactionClient, text: string): Promise<Record<string, unknown>[]> {
  return (await client.query(text)).rows;
}

function explainedFor(name: string, error: unknown, sequence: TokenSequence): unknown {
  const state = sqlStateOf(error);
  if (state === "55P03" || error instanceof NotTaken) {
    const message = `"${name}" is held by somebody else. Try again later, or wait longer.`;
    return new CoordError("COORD_BUSY", message, { holders: [], cause: error });
  }
  if (state === "40P01") {
    return new CoordError(
      "COORD_DEADLOCK",
      `Waiting for "${name}" would never end: PostgreSQL found a deadlock. Take locks in one order everywhere.`,
      { cause: error },
    );
  }
  return isForbidden(error) ? forbidden(sequence, error) : error;
}
