import type { Traits } from "@coord/core/driver";
import type { Connector } from "./connection/connection.js";
import type { Paths } from "./paths.js";

/** Where a session is, and what it promises there. */
export interface Place {
  readonly connector: Connector;
  readonly paths: Paths;
  /** By the session's timeout, as it was agreed on. */
  readonly traitsOf: (timeout: number) => Traits;
  /** Whether nodes of locks that nobody uses stay. */
  readonly keepParents: boolean;
}
