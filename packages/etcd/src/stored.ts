import type { HolderInfo } from "@coord/core/driver";

/** What a key of ours says: since when, and whether it is to be given up. */
export interface Stored extends Omit<HolderInfo, "since" | "token"> {
  readonly since: number;
  readonly asked?: true;
}

export function encode(stored: object): Buffer {
  return Buffer.from(JSON.stringify(stored));
}

/** Of a key that is none of ours, too. */
export function decode(value: Buffer): Stored {
  try {
    const stored = JSON.parse(value.toString()) as Stored;
    if (typeof stored.member === "string") return stored;
  } catch {
    // As below.
  }
  return { member: "unknown", since: 0 };
}
