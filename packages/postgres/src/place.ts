import type { Traits } from "@coord/core/driver";
import type { Fencing } from "./connection/fence.js";
import type { Target } from "./connection/wire.js";
import type { Keys } from "./keys.js";

/** Where a session is, and what it promises there. */
export interface Place {
  /** The servers to be tried, in this order. */
  readonly targets: readonly Target[];
  readonly keys: Keys;
  readonly fencing: Fencing;
  readonly traits: Traits;
  /** How long an answer may take, in milliseconds, where nothing depends on waiting longer. */
  readonly within: number;
  /** How long connecting to one server may take. */
  readonly connectWithin: number;
  /** How many locks a session may hold and wait for; undefined: what the server has room for. */
  readonly maxHolds: number | undefined;
}
