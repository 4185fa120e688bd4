import type { HolderInfo } from "@coord/core/driver";
import type { Stat } from "./connection/connection.js";

/**
 * What is said with a node: `asked`, by others, that its owner is to give it back; `given`, by its
 * owner, that it does so now.
 */
export type Word = "asked" | "given";

/** What is in a node: who it is, as JSON. kazoo has an identifier instead, or nothing. */
export interface NodeRecord {
  readonly info: HolderInfo;
  readonly word: Word | undefined;
  /** Whether it is of this driver, whose holders can be asked for what they hold. */
  readonly isOurs: boolean;
}

export function writeRecord({ member, host, pid }: HolderInfo, word?: Word): Buffer {
  return Buffer.from(JSON.stringify({ member, host, pid, word }));
}

export function readRecord(data: Buffer): NodeRecord {
  const text = data.toString();
  const parsed = parse(text);
  if (parsed) {
    const { word, ...info } = parsed;
    return { info, word, isOurs: true };
  }
  return { info: { member: text || "unknown" }, word: undefined, isOurs: false };
}

/** What others may know of a contender: since when it is in line, and the token if it holds. */
export function infoOf(
  { info }: NodeRecord,
  { czxid, ctime }: Stat,
  { shared, holds }: { readonly shared: boolean; readonly holds: boolean },
): HolderInfo {
  const known = { ...info, since: new Date(ctime), shared };
  return holds ? { ...known, token: czxid } : known;
}

function parse(text: string): (HolderInfo & { word?: Word }) | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isRecord = typeof value === "object" && value !== null && "member" in value;
    return isRecord ? (value as HolderInfo) : undefined;
  } catch {
    return undefined;
  }
}
