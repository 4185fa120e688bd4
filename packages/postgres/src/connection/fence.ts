import { CoordError } from "@coord/core/driver";

/** Where tokens come from. */
export type Fencing = { readonly by: "xid" } | TokenSequence;

/** A sequence, by its name. */
export interface TokenSequence {
  readonly by: "sequence";
  readonly schema: string;
  readonly name: string;
}

/** How long a name may be with what is added for the sequence of epochs, in bytes. */
const [longest, epochs] = [63, "_epoch"] as const;

/** Reads the options; throws COORD_BAD_OPTION. */
export function fencingOf(options: { fencing?: string; sequence?: string }): Fencing {
  return options.fencing === "xid" ? { by: "xid" } : tokenSequence(options.sequence);
}

/** The sequence of a name like `app.coord_token`; throws COORD_BAD_OPTION. */
export function tokenSequence(option = "public.coord_token"): TokenSequence {
  const [, schema, name] = /^([^.\0]+)\.([^.\0]+)$/.exec(option) ?? [];
  if (schema === undefined || name === undefined) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      '"sequence" must be a schema and a name, as in sequence=app.coord_token.',
    );
  }
  if (Buffer.byteLength(name + epochs) > longest) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      `The name of "sequence" may have ${longest - epochs.length} bytes at most: there is another one whose name has "${epochs}" after it.`,
    );
  }
  return { by: "sequence", schema, name };
}

/** The expression that draws a token, also where a user's search_path has others' functions in it. */
export function fenceOf(fencing: Fencing): string {
  return fencing.by === "xid"
    ? "pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8"
    : `pg_catalog.nextval(${literal(identifier(fencing))})`;
}

/** The sequence whose numbers those of another one begin with. */
export function epochsOf({ schema, name }: TokenSequence): TokenSequence {
  return { by: "sequence", schema, name: name + epochs };
}

/** The error for a role that may not have the sequence. */
export function forbidden(sequence: TokenSequence, cause?: unknown): CoordError {
  const [name, ofEpochs] = [identifier(sequence), identifier(epochsOf(sequence))];
  return new CoordError(
    "COORD_UNAVAILABLE",
    `The role may not create or use the sequence of tokens. Let an administrator run: CREATE SEQUENCE IF NOT EXISTS ${name} CACHE 1; GRANT USAGE ON SEQUENCE ${name} TO <role>; where it is unlogged also: CREATE SEQUENCE IF NOT EXISTS ${ofEpochs} CACHE 1; GRANT UPDATE ON SEQUENCE ${name}, ${ofEpochs} TO <role>; or add ?fencing=xid.`,
    cause === undefined ? {} : { cause },
  );
}

/** Its name, as a statement has it. */
export function identifier({ schema, name }: { schema: string; name: string }): string {
  return `${quote('"', schema)}.${quote('"', name)}`;
}

/** A text, as a statement has it. */
export function literal(text: string): string {
  return quote("'", text);
}

function quote(mark: string, text: string): string {
  return mark + text.replaceAll(mark, mark + mark) + mark;
}
