import type { Target } from "./connection/target.js";
import type { Keys } from "./keys.js";

/** Where a session is. */
export interface Place {
  readonly target: Target;
  readonly keys: Keys;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  readonly connectWithin: number;
}
