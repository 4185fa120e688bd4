import { CoordError } from "@coord/core/driver";

/** Whether the server says that the lease is not there: it ran out, or was revoked. */
export function isLeaseGone(error: unknown): boolean {
  return /requested lease not found/.test(textOf(error));
}

/** Whether an error is the server's word that it will not do this for us, now or later. */
export function isRefusal(error: unknown): boolean {
  return /permission denied|authentication failed|authentication is not enabled|INVALID_ARGUMENT/.test(
    textOf(error),
  );
}

/** Whether the server did not do it, and says so: then there is nothing wrong with the connection. */
export function isUndone(error: unknown): boolean {
  return (
    isLeaseGone(error) ||
    isRefusal(error) ||
    /database space exceeded|too many requests/.test(textOf(error))
  );
}

/** Whether the token that came with a request is of no use any more: the request was not done. */
export function isOldToken(text: string): boolean {
  return /invalid auth token|revision of auth store is old|user name is empty/.test(text);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

/** For a revocation: what is gone need not be revoked. */
export function unlessGone(error: unknown): void {
  if (!isLeaseGone(error)) throw error;
}

/** There is no connection, because of `cause`. */
export function unavailable(cause: unknown): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "etcd does not answer. See whether the server runs, has a quorum, and can be reached.",
    { cause },
  );
}

/** The session ended before it could be answered. */
export function over(): CoordError {
  return new CoordError("COORD_UNAVAILABLE", "This session with etcd is over. Ask the next one.");
}
