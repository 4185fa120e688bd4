import { CoordError } from "./errors.js";

const loneSurrogate = /\p{Surrogate}/u;

/**
 * The name that the backend sees: `prefix + name`.
 * @throws COORD_BAD_NAME when `name` is no string, empty, or not well-formed: two names with
 * different lone surrogates would be the same bytes on a backend.
 */
export function fullName(prefix: string, name: unknown): string {
  if (typeof name !== "string") {
    throw new CoordError(
      "COORD_BAD_NAME",
      `A lock's name must be a string, not ${describe(name)}. Convert it with String() first.`,
    );
  }
  if (name === "") {
    throw new CoordError("COORD_BAD_NAME", "A lock's name must not be empty. Give it a name.");
  }
  if (!isWellFormed(name)) {
    throw new CoordError(
      "COORD_BAD_NAME",
      "A lock's name must be well-formed Unicode: this one has half a surrogate pair. Encode binary names, for example with toString('hex').",
    );
  }
  return prefix + name;
}

/** Whether the text has no half surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}
