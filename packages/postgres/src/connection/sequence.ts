import { CoordError } from "@coord/core/driver";
import { epochsOf, fenceOf, forbidden, identifier, literal, type TokenSequence } from "./fence.js";
import { sqlStateOf, type Wire } from "./wire.js";

/**
 * How many tokens an epoch has. One ends with each crash of the server; at 30,000 tokens a second one
 * lasts for nine years, and there are a million.
 */
export const perEpoch = 2n ** 43n;

/**
 * How many tokens a new session leaves out of a logged sequence. A crash of the server may forget numbers
 * that were drawn in the moment before: the statement that writes down the next 32 waits for the disk,
 * others that draw from these do not. Whoever comes after a crash is a new session.
 */
const skipped = 5_000;

const unloggedFrom = 150_000;

/**
 * That there is such a sequence, that it may be used, and that what it gives from now on is greater than
 * all it gave before, a crash of the server or not. Throws COORD_UNAVAILABLE.
 *
 * An unlogged one writes nothing, so that no token waits for the disk. A crash sets it back to its
 * beginning, and from there whoever finds it goes on at the next epoch, whose number is of a logged one.
 */
export async function makeSure(wire: Wire, sequence: TokenSequence): Promise<void> {
  const name = identifier(sequence);
  let facts = await factsOf(wire, sequence);
  if (!facts.isThere) {
    await create(wire, sequence);
    facts = await factsOf(wire, sequence);
  }
  if (!facts.isUsable) throw forbidden(sequence);
  if (!facts.grows) {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `The sequence ${name} does not give tokens that grow. Let an administrator run: ALTER SEQUENCE ${name} AS bigint INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1 NO CYCLE.`,
    );
  }
  if (!facts.isUnlogged) {
    await wire.run(`SELECT max(${fenceOf(sequence)}) FROM generate_series(1, ${skipped})`);
    return;
  }
  // Whoever finds it begun by others waits for the disk, too, before it draws from it.
  const write = "SELECT pg_logical_emit_message(true, 'coord', '')";
  await refusing(sequence, () => wire.run([...beginEpoch(sequence), write].join(";")));
}

interface Facts {
  readonly isThere: boolean;
  readonly isUsable: boolean;
  readonly grows: boolean;
  readonly isUnlogged: boolean;
}

async function factsOf(wire: Wire, sequence: TokenSequence): Promise<Facts> {
  const may = (id: string, what: string): string => `has_sequence_privilege(${id}, '${what}')`;
  const [row = []] = await wire.run(
    `SELECT relpersistence = 'p' OR e IS NOT NULL, ${may("seqrelid", "USAGE")} AND (relpersistence = 'p' OR ${may("seqrelid", "UPDATE")} AND ${may("e", "UPDATE")}),
      seqcache = 1 AND seqincrement > 0 AND seqmin > 0 AND NOT seqcycle AND seqtypid = 'bigint'::regtype, relpersistence = 'u'
    FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid, CAST(to_regclass(${literal(identifier(epochsOf(sequence)))}) AS oid) e
    WHERE seqrelid = to_regclass(${literal(identifier(sequence))})`,
  );
  const [isThere, isUsable, grows, isUnlogged] = row.map((fact) => fact === "t");
  return {
    isThere: isThere ?? false,
    isUsable: isUsable ?? false,
    grows: grows ?? false,
    isUnlogged: isUnlogged ?? false,
  };
}

/**
 * The statements that begin an epoch where none is. They have to be in one transaction: others wait until
 * it ends. What they did stays done even where it is rolled back.
 */
export function beginEpoch(sequence: TokenSequence): [lock: string, begin: string] {
  const name = literal(identifier(sequence));
  // Of two numbers, the first of which is nobody else's.
  return [
    `SELECT pg_catalog.pg_advisory_xact_lock(${0xc00d}, ${name}::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int4)`,
    `SELECT CASE WHEN ${fenceOf(sequence)} OPERATOR(pg_catalog.<) ${perEpoch}
      THEN pg_catalog.setval(${name}, ${fenceOf(epochsOf(sequence))} OPERATOR(pg_catalog.*) ${perEpoch}) END`,
  ];
}

async function create(wire: Wire, sequence: TokenSequence): Promise<void> {
  const [[version] = []] = await wire.run("SHOW server_version_num");
  const statements =
    Number(version) < unloggedFrom
      ? [`SEQUENCE IF NOT EXISTS ${identifier(sequence)} CACHE 1`]
      : [
          `SEQUENCE IF NOT EXISTS ${identifier(epochsOf(sequence))} CACHE 1`,
          `UNLOGGED SEQUENCE IF NOT EXISTS ${identifier(sequence)} CACHE 1`,
        ];
  for (const statement of statements) {
    await refusing(sequence, () => wire.run(`CREATE ${statement}`)).catch((error: unknown) => {
      const state = sqlStateOf(error);
      // Somebody else made it at the same moment.
      if (state !== "23505" && state !== "42P07") throw error;
    });
  }
}

async function refusing(sequence: TokenSequence, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isForbidden(error)) throw forbidden(sequence, error);
    throw error;
  }
}

/** Whether a sequence is not there, or not for us. */
export function isForbidden(error: unknown): boolean {
  return ["42P01", "42501", "3F000"].includes(sqlStateOf(error));
}
