import type { HolderInfo } from "@coord/core/driver";
import type { Entry } from "./standing.js";

/** Those of a line whose turn it is: the first, and with a reader those behind it up to a writer. */
export function holdersOf(entries: readonly Entry[]): readonly Entry[] {
  if (!entries[0]?.info.shared) return entries.slice(0, 1);
  const writer = entries.findIndex(({ info }) => !info.shared);
  return writer < 0 ? entries : entries.slice(0, writer);
}

/** What others may know of a holder. */
export function infoOf({ info, revision }: Entry): HolderInfo {
  return { ...info, token: BigInt(revision) };
}
