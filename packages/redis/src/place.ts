import type { Traits } from "@coord/core/driver";
import type { Connect } from "./connection/connect.js";
import type { Keys } from "./keys.js";

/** Where a session is, and what it promises there. */
export interface Place {
  readonly connect: Connect;
  readonly keys: Keys;
  readonly traits: Traits;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  /** How long connecting may take; undefined: as long as an answer. */
  readonly connectWithin: number | undefined;
  /** Whether to wait on a server that may have forgotten who holds what. */
  readonly restartDelay: boolean;
}
