import { CoordError } from "@coord/core/driver";

/** How long to wait before what failed is tried again, in milliseconds. */
export const retryAfter = 100;

const refusal = /^(NOPERM|WRONGTYPE|ERR) /;
// Before version 7 what a script meets is told within another error.
const passing = /\b(READONLY|MISCONF|OOM|MASTERDOWN|NOREPLICAS|LOADING|CLUSTERDOWN|TRYAGAIN)\b/;

/** The error for who asks while there is no connection. */
export function noAnswer(cause: unknown): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "Redis does not answer. See whether the server runs and can be reached.",
    { cause },
  );
}

/** The error for who still waits when a session ends. */
export function sessionOver(): CoordError {
  return new CoordError("COORD_UNAVAILABLE", "This session with Redis is over. Ask the next one.");
}

/** Whether an error is what the server answered. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

/** Whether an error is the server's word that it will not do this, now or later. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && refusal.test(error.message) && !passing.test(error.message);
}

/** Whether an error says that the server has become a replica: it is no longer the one to be connected to. */
export function wasDemoted(error: unknown): boolean {
  return error instanceof Error && /\bREADONLY\b/.test(error.message);
}
