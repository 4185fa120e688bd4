import type { HolderInfo } from "./contract.js";

/**
 * Every code a `CoordError` can carry. Tell errors apart by it, not by `instanceof`: two copies of
 * this package in one program share the codes, not the class.
 */
export type CoordErrorCode =
  /** Somebody holds it; `holders` says who, as far as the backend knows. */
  | "COORD_BUSY"
  /** The backend cannot say: it is away, too slow, refuses us, or cannot do its work. */
  | "COORD_UNAVAILABLE"
  /** It was held and no longer is; `reason` says why. */
  | "COORD_LOST"
  /** Waiting would never end: the caller itself holds what it asks for. */
  | "COORD_DEADLOCK"
  /** The coordinator was not started yet. */
  | "COORD_NOT_STARTED"
  /** The coordinator was stopped, or is being stopped. */
  | "COORD_STOPPED"
  /** No driver, installed or known, serves the URL's scheme. */
  | "COORD_UNKNOWN_SCHEME"
  /** The package that serves the URL's scheme is known but not installed. */
  | "COORD_DRIVER_MISSING"
  /** The `backendUrl` cannot be understood. */
  | "COORD_BAD_URL"
  /** An option, of the URL or of a call, is unknown or has a value it cannot have. */
  | "COORD_BAD_OPTION"
  /** A name that no lock can have. */
  | "COORD_BAD_NAME"
  /** A name's template cannot be understood, or the data has no usable value for a field of it. */
  | "COORD_BAD_TEMPLATE"
  /** The backend cannot do what was asked, and says so in its `traits`. */
  | "COORD_UNSUPPORTED"
  /** The backend does not promise what `require` asks for. */
  | "COORD_TRAITS";

/**
 * Why something that was held is held no longer.
 *
 * - `expired`: its time ran out before the backend acknowledged a renewal.
 * - `taken`: the backend gave it to somebody else, or what stood for it was removed.
 * - `broken`: somebody called `break()`.
 * - `session`: the session it was held through ended.
 * - `closed`: it was given back, by `release()` or by the coordinator's `stop()`.
 */
export type LossReason = "expired" | "taken" | "broken" | "session" | "closed";

interface CoordErrorDetails {
  cause?: unknown;
  holders?: readonly HolderInfo[];
  reason?: LossReason;
  result?: unknown;
}

/** The one class of error this library throws. Its message ends with what to do. */
export class CoordError extends Error {
  override readonly name = "CoordError";
  /** What happened; the only thing to tell errors apart by. */
  readonly code: CoordErrorCode;
  /** With COORD_BUSY: who holds it, as far as the backend knows; empty where it knows nothing. */
  readonly holders?: readonly HolderInfo[];
  /** With COORD_LOST: why. */
  readonly reason?: LossReason;
  /** With COORD_LOST from `run()`: what the function returned, although the lock was lost by then. */
  readonly result?: unknown;

  constructor(code: CoordErrorCode, message: string, details: CoordErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.holders) this.holders = details.holders;
    if (details.reason) this.reason = details.reason;
    if ("result" in details) this.result = details.result;
  }
}

/** Whether `error` is a `CoordError` of any copy of this package and, if given, of this `code`. */
export function isCoordError(error: unknown, code?: CoordErrorCode): error is CoordError {
  if (!(error instanceof Error) || error.name !== "CoordError" || !("code" in error)) return false;
  return code === undefined ? String(error.code).startsWith("COORD_") : error.code === code;
}

/** What an error says, as a sentence, for a message that goes on after it. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** For errors of a driver: theirs where they have a code, else COORD_UNAVAILABLE with their cause. */
export function asUnavailable(error: unknown, what: string): unknown {
  if (isCoordError(error)) return error;
  return new CoordError(
    "COORD_UNAVAILABLE",
    `${what} failed: ${messageOf(error)} See whether the backend works.`,
    { cause: error },
  );
}
