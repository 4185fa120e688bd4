import { lstatSync, readFileSync, readSync, writeSync } from "node:fs";
import type { Clock, HolderInfo } from "@coord/core/driver";
import { failure } from "./disk/failures.js";
import { LockFile } from "./disk/lock-file.js";
import type { ProcessId } from "./disk/process-id.js";
import { ownFiles } from "./file-names.js";

/** How long, in milliseconds, the file of records may be in other processes' hands. */
const changeWithin = 1_000;

/** What is written of a hold. */
export interface HoldRecord extends ProcessId {
  readonly token: string;
  readonly member: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly shared: boolean;
  /** Somebody asked the holder to give it back, or took it by force. */
  readonly broken?: "asked" | "forced";
}

/** All that is recorded of a name. */
export interface Content {
  /** The greatest token ever given for the name. */
  readonly token: bigint;
  readonly holds: readonly HoldRecord[];
}

/** Gives what is to be recorded after `before`. */
export type Change = (before: Content) => Content;

const nothing: Content = { token: 0n, holds: [] };

/**
 * The file beside a lock file that remembers the last token and who holds the lock. It is changed
 * under a lock of its own, for some microseconds; it may be lost without harm to exclusion.
 *
 * It is one line of JSON, written in one go, of which readers take the first line only: what a
 * longer line left behind it does not count.
 */
export class Records {
  readonly path: string;

  constructor(lockPath: string) {
    this.path = `${lockPath}${ownFiles.info}`;
  }

  /** Whether anything was recorded and not removed. */
  exist(): boolean {
    return lstatSync(this.path, { throwIfNoEntry: false }) !== undefined;
  }

  /** The holds recorded; none when the file is missing or cannot be understood. */
  read(): readonly HoldRecord[] {
    try {
      return parse(readFileSync(this.path, "utf8")).holds;
    } catch {
      return [];
    }
  }

  /** Changes what is recorded; gives that. Rejects COORD_UNAVAILABLE, or as `signal` says. */
  async change(clock: Clock, change: Change, signal?: AbortSignal): Promise<Content> {
    const until = clock.now() + changeWithin;
    for (;;) {
      const content = this.#tryChange(change);
      if (content) return content;
      if (clock.now() > until) throw failure(this.path, new Error("other processes keep it"));
      await new Promise<void>((resolve) => clock.timer(1, resolve));
      signal?.throwIfAborted();
    }
  }

  /** Undefined when another process is just changing the file. */
  #tryChange(change: Change): Content | undefined {
    const { file, locked } = LockFile.openAndTry(this.path);
    try {
      if (!locked) return undefined;
      const after = change(parse(readAll(file.fd)));
      writeAll(file.fd, `${JSON.stringify({ token: String(after.token), holds: after.holds })}\n`);
      return after;
    } catch (error) {
      throw failure(this.path, error);
    } finally {
      file.close();
    }
  }
}

/** What others may know of a hold. */
export function infoOf({ member, host, pid, since, token, shared }: HoldRecord): HolderInfo {
  return { member, host, pid, since: new Date(since), token: BigInt(token), shared };
}

function parse(text: string): Content {
  const line = text.slice(0, text.indexOf("\n") + 1);
  try {
    const { token, holds } = JSON.parse(line) as { token: string; holds: HoldRecord[] };
    return { token: BigInt(token), holds: holds.filter(isRecord) };
  } catch {
    // Cut off by a crash, or not ours. The token stands first so that it survives the former.
    const token = /^\{"token":"(\d+)"/.exec(text)?.[1];
    return token === undefined ? nothing : { token: BigInt(token), holds: [] };
  }
}

function isRecord({ token, since, member, pid }: HoldRecord): boolean {
  const known = typeof member === "string" && typeof pid === "number";
  return known && /^\d+$/.test(token) && Number.isFinite(new Date(since).getTime());
}

function readAll(fd: number): string {
  let buffer = Buffer.allocUnsafe(1024);
  let length = readSync(fd, buffer, 0, buffer.length, 0);
  while (length === buffer.length) {
    buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    length += readSync(fd, buffer, length, buffer.length - length, length);
  }
  return buffer.toString("utf8", 0, length);
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  for (let written = 0; written < bytes.length;) {
    written += writeSync(fd, bytes, written, bytes.length - written, written);
  }
}
