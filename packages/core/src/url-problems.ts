import { readFileSync } from "node:fs";
import { CoordError } from "./errors.js";

/** The error for a `backendUrl` that a driver can do nothing with; the message ends with what to do. */
export function badUrl(message: string): CoordError {
  return new CoordError("COORD_BAD_URL", message);
}

/** The error for options of a `backendUrl` that have a value they cannot have, or do not go together. */
export function badUrlOption(message: string, cause?: unknown): CoordError {
  return new CoordError("COORD_BAD_OPTION", message, cause === undefined ? {} : { cause });
}

/**
 * Reads the file that an option of a `backendUrl` names, such as a certificate.
 * @throws COORD_BAD_OPTION when that cannot be done
 */
export function readFileOf(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw badUrlOption(
      `The file of "${option}" cannot be read (${code}). Name one that can.`,
      cause,
    );
  }
}
