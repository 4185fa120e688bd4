import { CoordError } from "./errors.js";

/** Says what is wrong with an option of a call, as a sentence, and what to do about it. */
export function badOption(
  what: string,
  remedy: string = "Correct it or leave it out.",
): CoordError {
  return new CoordError("COORD_BAD_OPTION", `${what} ${remedy}`);
}

/** @throws COORD_BAD_OPTION when `options` has one that is not `known`. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  for (const option in options) {
    if (known.includes(option)) continue;
    throw badOption(
      `There is no option ${JSON.stringify(option)}.`,
      `Use one of: ${known.join(", ")}.`,
    );
  }
}
