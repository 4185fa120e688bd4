import type { HolderInfo } from "@coord/core/driver";
import type { Stored } from "./stored.js";

/** Somebody in a line, in it since a revision. */
export interface Entry {
  readonly key: Buffer;
  readonly revision: string;
  readonly lease: string;
  readonly stored: Stored;
  readonly info: HolderInfo;
}

/** Where a request stands: at a revision, behind others or nobody. */
interface Standing {
  readonly revision: string;
  /** Those before it, the last of them first, `most` and one at most. None: it is its turn. */
  readonly rivals: readonly Buffer[];
}

/** Where it stands at a later revision, and whether it is to be given up. */
export interface Seen extends Standing {
  readonly asked: boolean;
  readonly at: string;
}

/** What becomes of a request to enter. */
export type Entered =
  | Standing
  /** It has been there since the revision: an earlier request was done. */
  | { readonly since: string }
  | "busy"
  /** A newer connection of the session has said that nothing of this one is to be done any more. */
  | "superseded";
