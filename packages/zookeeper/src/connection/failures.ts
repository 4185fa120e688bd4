import { CoordError } from "@coord/core/driver";

/** How long to wait before what failed is tried again, in milliseconds. */
export const retryAfter = 100;

/** ZooKeeper's numbers for what went wrong. */
export const connectionLoss = -4;
export const noNode = -101;
const noAuth = -102;
export const nodeExists = -110;
export const notEmpty = -111;
export const sessionExpired = -112;
const invalidAcl = -114;
const authFailed = -115;

/** An error by ZooKeeper's number, where the library brings none. */
export class Failure extends Error {
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** ZooKeeper's number for it; undefined for what is no error of ZooKeeper's. */
export function codeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "number" ? code : undefined;
}

/** Whether a server says so, who has not done then what it was asked for. */
export function isAnswer(error: unknown): boolean {
  return (codeOf(error) ?? 0) <= -100;
}

/** What `error` is about is settled if it has this code; else it is thrown. */
export function allow(...codes: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    const code = codeOf(error);
    if (code === undefined || !codes.includes(code)) throw error;
    return undefined;
  };
}

/** The error for who asks while there is no connection. */
export function noAnswer(cause: unknown): CoordError {
  const why = cause instanceof Error ? `: ${cause.message.replace(/\.$/, "")}` : "";
  return new CoordError(
    "COORD_UNAVAILABLE",
    `ZooKeeper does not answer${why}. See whether the servers run, are a majority, and can be reached.`,
    { cause },
  );
}

/** The error for what the servers will not do, now or later; undefined for all others. */
export function refusalOf(error: unknown): CoordError | undefined {
  const code = codeOf(error);
  if (code !== noAuth && code !== invalidAcl && code !== authFailed) return undefined;
  return new CoordError(
    "COORD_UNAVAILABLE",
    "ZooKeeper refuses this by its access control. Give user and password in the URL, or have the nodes' lists allow them all but ADMIN.",
    { cause: error },
  );
}

/** A server would end the session sooner than what is held is relied on. */
export function shortened(timeout: number): CoordError {
  const message = `The server allows a timeout of ${timeout} ms, less than was agreed upon. Let all allow the same.`;
  return new CoordError("COORD_UNAVAILABLE", message);
}
