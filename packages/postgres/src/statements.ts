import { homes, parts, slots } from "./keys.js";

/** Whoever waits but has no slot, because all are taken. */
export const noSlot = slots;
/** What a waiter's answer begins with: below it is its slot, and `ofGate` lower if it holds the gate. */
export const waits = -10n;
export const ofGate = 100n;
/** The answers that are no token and no place in line. */
export const busy = 0n;
export const again = -1n;
/** Somebody holds it or waits for it: to be asked, or told, the long way. */
export const crowded = -2n;

/** Where a statement finds what it is about: parameters, or columns. */
interface Refs {
  readonly key: string;
  readonly slot: string;
  readonly gate: string;
}

/** What the statements need to know of the session. */
export interface Dialect {
  /** The channel on which those who wait are woken, but those who are at home. */
  readonly channel: string;
  /** The place in which the session is at home. */
  readonly home: number | undefined;
  /** The expression that draws a token. */
  readonly token: string;
}

type Mode = "exclusive" | "shared";

/**
 * The statements of a session, prepared under their names. All are expressions whose parts PostgreSQL
 * evaluates from left to right, none of which
 * blocks, and all are done in one step of the session.
 */
export function preparations(dialect: Dialect): string {
  const sql = new Expressions(dialect);
  const single = { key: "$1", slot: "$2", gate: "$3" };
  const row = { key: "q.k", slot: "q.s", gate: "q.g" };
  const prepared = {
    "coord_ask_first(bigint)": sql.askFirst(single),
    "coord_ask_exclusive(bigint)": sql.ask(single, "exclusive"),
    "coord_ask_shared(bigint)": sql.ask(single, "shared"),
    "coord_try_exclusive(bigint)": sql.attempt(single, "exclusive"),
    "coord_try_shared(bigint)": sql.attempt(single, "shared"),
    "coord_join(bigint)": sql.mayJoin(single),
    "coord_retry_exclusive(bigint, int, bool)": sql.retry(single, "exclusive"),
    "coord_retry_shared(bigint, int, bool)": sql.retry(single, "shared"),
    "coord_leave(bigint, int, bool)": sql.leave(single),
    "coord_release_last(bigint)": sql.releaseLast(single),
    "coord_release_exclusive(bigint, int)": sql.release(single, "exclusive"),
    "coord_release_shared(bigint, int)": sql.release(single, "shared"),
  };
  const lists = {
    "coord_ask_exclusives(bigint[])": `${sql.ask(row, "exclusive")} FROM unnest($1) WITH ORDINALITY q(k, o) ORDER BY q.o`,
    "coord_release_exclusives(bigint[], int[])": `${sql.release(row, "exclusive")} FROM unnest($1, $2) WITH ORDINALITY q(k, s, o) ORDER BY q.o`,
    "coord_retry_all(bigint[], int[], bool[], bool[])": `CASE WHEN q.r THEN ${sql.retry(row, "shared")} ELSE ${sql.retry(row, "exclusive")} END FROM unnest($1, $2, $3, $4) WITH ORDINALITY q(k, s, g, r, o) ORDER BY q.o`,
    "coord_wake_all(bigint[])": `count(${sql.wake({ ...row, slot: "15" })}) FROM unnest($1) q(k)`,
  };
  return Object.entries({ ...prepared, ...lists })
    .map(([name, expression]) => `PREPARE ${name} AS SELECT ${expression}`)
    .join(";");
}

/** All that the session holds of one lock is given back, but not the lock itself if `keep`. */
export function scrub(key: bigint, keep: boolean): string {
  const from = keep ? 1 : 0;
  const [key64, bits] = [
    `((l.classid::bigint << 32) | l.objid::bigint)`,
    `(${key})::bigint # i::bigint`,
  ];
  return `SELECT count(CASE l.mode WHEN 'ExclusiveLock' THEN pg_advisory_unlock(${bits}) ELSE pg_advisory_unlock_shared(${bits}) END)
    FROM generate_series(${from}, 31) i JOIN pg_locks l ON ${key64} = ${bits}
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.pid = pg_backend_pid() AND l.granted`;
}

class Expressions {
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /**
   * As `ask`, for what nobody else seems to want: `crowded` if somebody does, and nothing is taken.
   * Without the parts that look for a place, which cost most of the time even where they are not run.
   */
  askFirst(refs: Refs): string {
    const waiting = part(refs, parts.waiting);
    return `CASE WHEN ${take(waiting)} THEN
      CASE WHEN ${take(refs.key)} THEN CASE WHEN ${drop(waiting)} THEN ${this.#dialect.token} END
      WHEN ${drop(waiting)} THEN ${crowded} END
    ELSE ${crowded} END`;
  }

  /** As `release`, in the same way: where it is `crowded` somebody is to be woken yet. */
  releaseLast(refs: Refs): string {
    return `CASE WHEN ${drop(refs.key)} THEN CASE WHEN ${isFree(part(refs, parts.waiting))} THEN 1 ELSE ${crowded} END ELSE 0 END`;
  }

  /** The first request of one who is willing to wait. */
  ask(refs: Refs, mode: Mode): string {
    const waiting = part(refs, parts.waiting);
    const { key } = refs;
    const gate =
      mode === "exclusive" ? `CASE WHEN ${take(part(refs, parts.gate))} THEN 100 ELSE 0 END` : "0";
    const place = `coalesce(${this.#takeSlot(refs)}, ${noSlot})`;
    const held = (unlock: string): string => `CASE WHEN ${unlock} THEN ${this.#dialect.token} END`;
    // Nobody waits: what is taken alone keeps others from asking at the same moment, and it is in
    // line before it tries, so that a release in between is not missed.
    return `CASE WHEN ${take(waiting)} THEN
      CASE WHEN ${take(key, mode)} THEN ${held(drop(waiting))}
      WHEN ${take(waiting, "shared")} THEN -(10 + ${place} + ${gate} + CASE WHEN ${drop(waiting)} THEN 0 END) END
    WHEN ${take(waiting, "shared")} THEN
      CASE WHEN NOT ${isFree(waiting)} THEN -(10 + ${place})
      WHEN ${take(key, mode)} THEN ${held(drop(waiting, "shared"))}
      ELSE -(10 + ${place} + ${gate}) END
    ELSE ${again} END`;
  }

  /** The only request of one who does not wait. */
  attempt(refs: Refs, mode: Mode): string {
    const taken = take(refs.key, mode);
    const may = mode === "shared" ? `${this.mayJoin(refs)} AND ${taken}` : taken;
    return `CASE WHEN ${may} THEN ${this.#dialect.token} ELSE ${busy} END`;
  }

  /** Whether no writer is next. */
  mayJoin(refs: Refs): string {
    const gate = part(refs, parts.gate);
    return `CASE WHEN ${take(gate, "shared")} THEN ${drop(gate, "shared")} ELSE false END`;
  }

  /** A request of one who waits, when it may be its turn. */
  retry(refs: Refs, mode: Mode): string {
    const { key, slot, gate } = refs;
    const place = `CASE WHEN ${slot} = ${noSlot} THEN coalesce(${this.#takeSlot(refs)}, ${noSlot}) ELSE ${slot} END`;
    if (mode === "exclusive") {
      return `CASE WHEN ${take(key)} THEN CASE WHEN ${leaveLine(refs)} THEN ${this.#dialect.token} END
        WHEN ${gate} OR ${take(part(refs, parts.gate))} THEN -(10 + ${place} + 100)
        ELSE -(10 + ${place}) END`;
    }
    const follow = `(${this.#next(refs)}) IS NOT NULL`;
    return `CASE WHEN ${this.mayJoin(refs)} AND ${take(key, "shared")}
      THEN CASE WHEN ${leaveLine(refs)} AND ${follow} THEN ${this.#dialect.token} END
      ELSE -(10 + ${place}) END`;
  }

  /** Gives up waiting; whoever was to be woken by what this one was is. */
  leave(refs: Refs): string {
    return `CASE WHEN ${leaveLine(refs)} THEN ${this.wake(refs)} END`;
  }

  /** 1, or 0 if it was not held. */
  release(refs: Refs, mode: Mode): string {
    // Nobody is woken by a reader that is not the last.
    const last = mode === "shared" ? `NOT ${isFree(refs.key)} OR ` : "";
    return `CASE WHEN ${drop(refs.key, mode)} THEN CASE WHEN ${last}${this.wake(refs)} IS NOT NULL THEN 1 END ELSE 0 END`;
  }

  /** Wakes the writer who is next, else whoever has the next slot. Nothing is said where nobody waits. */
  wake(refs: Refs): string {
    // To notify takes a commit, which need not be on disk: nothing of it outlives the server anyway.
    return `CASE WHEN ${isFree(part(refs, parts.waiting))} THEN false
      WHEN set_config('synchronous_commit', 'off', true) IS NULL THEN NULL
      WHEN ${isFree(part(refs, parts.gate))} THEN ${this.#wakeNext(refs)}
      ELSE pg_notify('${this.#dialect.channel}', 'w ' || ${refs.key} || ' g')::text IS NOT NULL END`;
  }

  /** A reader lets in who waits behind it, unless a writer is next. */
  #next(refs: Refs): string {
    return `CASE WHEN ${isFree(part(refs, parts.waiting))} THEN false
      WHEN ${isFree(part(refs, parts.gate))} THEN ${this.#wakeNext(refs)} ELSE false END`;
  }

  /** Whoever has the next place, on its own channel if it is at home there; nobody has one: everybody. */
  #wakeNext(refs: Refs): string {
    const { channel } = this.#dialect;
    const at = `((${refs.slot} + i) % ${slots})`;
    const held = `${refs.key} # (${parts.firstSlot} + ${at})::bigint`;
    // Evaluated once, and not moved to where it is used.
    const next = `SELECT (SELECT ${at} FROM generate_series(1, ${slots}) i
      WHERE CASE WHEN ${take(held, "shared")} THEN NOT ${drop(held, "shared")} ELSE true END LIMIT 1) AS at OFFSET 0`;
    return `(SELECT pg_notify('${channel}' || CASE WHEN at < ${homes} THEN '_' || at ELSE '' END,
      'w ' || ${refs.key} || ' ' || coalesce(at::text, '*'))::text IS NOT NULL FROM (${next}) n)`;
  }

  #takeSlot({ key }: Refs): string {
    const { home } = this.#dialect;
    const taken = (slot: string): string => take(`${key} # (${parts.firstSlot} + ${slot})::bigint`);
    const guest = `(SELECT i FROM generate_series(${homes}, ${slots - 1}) i WHERE ${taken("i")} LIMIT 1)`;
    return home === undefined
      ? guest
      : `CASE WHEN ${taken(String(home))} THEN ${home} ELSE ${guest} END`;
  }
}

function part({ key }: Refs, which: number): string {
  return `${key} # ${which}::bigint`;
}

function take(key: string, mode: Mode = "exclusive"): string {
  return `pg_try_advisory_lock${mode === "shared" ? "_shared" : ""}(${key})`;
}

function drop(key: string, mode: Mode = "exclusive"): string {
  return `pg_advisory_unlock${mode === "shared" ? "_shared" : ""}(${key})`;
}

/** Whether no other session holds it, in any way. */
function isFree(key: string): string {
  return `CASE WHEN ${take(key)} THEN ${drop(key)} ELSE false END`;
}

function leaveLine(refs: Refs): string {
  const { key, slot, gate } = refs;
  const ofSlot = drop(`${key} # (${parts.firstSlot} + ${slot})::bigint`);
  return `${drop(part(refs, parts.waiting), "shared")} AND (${slot} = ${noSlot} OR ${ofSlot}) AND (NOT ${gate} OR ${drop(part(refs, parts.gate))})`;
}
