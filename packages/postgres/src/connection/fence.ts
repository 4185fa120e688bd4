import { CoordError } from "@coord/core/driver";
import { sqlStateOf, type Wire } from "./wire.js";

/** Where tokens come from. */
export type Fencing =
  | { readonly by: "xid" }
  | { readonly by: "sequence"; readonly schema: string; readonly name: string };

/**
 * How many tokens a new session leaves out. A crash of the server may forget numbers that were drawn
 * in the moment before: the statement that writes down the next 32 waits for the disk, others that
 * draw from these do not. Whoever comes after a crash is a new session.
 */
const skipped = 5_000;

/** Reads the option; throws COORD_BAD_OPTION. */
export function fencingOf({ fencing, sequence }: { fencing?: string; sequence?: string }): Fencing {
  if (fencing === "xid") return { by: "xid" };
  const [, schema, name] = /^([^.\0]+)\.([^.\0]+)$/.exec(sequence ?? "public.coord_token") ?? [];
  if (schema !== undefined && name !== undefined) return { by: "sequence", schema, name };
  throw new CoordError(
    "COORD_BAD_OPTION",
    '"sequence" must be a schema and a name, as in sequence=app.coord_token.',
  );
}

/** The expression that draws a token. */
export function fenceOf(fencing: Fencing): string {
  return fencing.by === "xid"
    ? "pg_current_xact_id()::text::bigint"
    : `nextval(${quote("'", identifier(fencing))})`;
}

/** That there is such a sequence, that it may be used, and that its numbers grow. Throws COORD_UNAVAILABLE. */
export async function makeSure(wire: Wire, fencing: Fencing): Promise<void> {
  if (fencing.by === "xid") return;
  const name = identifier(fencing);
  const find = `SELECT seqcache = 1 AND seqincrement > 0 AND NOT seqcycle AND relpersistence = 'p', has_sequence_privilege(seqrelid, 'USAGE')
    FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid WHERE seqrelid = to_regclass(${quote("'", name)})`;
  let [row] = await wire.run(find);
  if (!row) {
    await create(wire, name);
    [row] = await wire.run(find);
  }
  const [grows, usable] = row ?? [];
  if (usable !== "t") throw forbidden(name);
  if (grows !== "t") {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `The sequence ${name} does not give tokens that grow. Let an administrator run: ALTER SEQUENCE ${name} INCREMENT BY 1 CACHE 1 NO CYCLE; and, if it is unlogged, SET LOGGED.`,
    );
  }
}

/** Leaves out what may have been forgotten. */
export async function skipAhead(wire: Wire, fencing: Fencing): Promise<void> {
  if (fencing.by === "xid") return;
  await wire.run(`SELECT max(${fenceOf(fencing)}) FROM generate_series(1, ${skipped})`);
}

async function create(wire: Wire, name: string): Promise<void> {
  try {
    await wire.run(`CREATE SEQUENCE IF NOT EXISTS ${name} CACHE 1`);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === "42501" || state === "3F000") throw forbidden(name, error);
    // Somebody else made it at the same moment.
    if (state !== "23505" && state !== "42P07") throw error;
  }
}

/** The error for a role that may not have the sequence. */
export function forbidden(name: string, cause?: unknown): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    `The role may not create or use the sequence of tokens. Let an administrator run: CREATE SEQUENCE IF NOT EXISTS ${name} CACHE 1; GRANT USAGE ON SEQUENCE ${name} TO <role>; or add ?fencing=xid.`,
    cause === undefined ? {} : { cause },
  );
}

/** Its name, as a statement has it. */
export function identifier({ schema, name }: { schema: string; name: string }): string {
  return `${quote('"', schema)}.${quote('"', name)}`;
}

function quote(mark: string, text: string): string {
  return mark + text.replaceAll(mark, mark + mark) + mark;
}
