import { lstatSync, readFileSync, readSync, writeSync } from "node:fs";
import type { Clock, HolderInfo } from "@coord/core/driver";
import { failure } from "./disk/failures.js";
import type { LockFile } from "./disk/lock-file.js";
import type { ProcessId } from "./disk/process-id.js";
import { ownFiles } from "./file-names.js";

/** How long, in milliseconds, the file of records may be in other processes' hands. */
const changeWithin = 1_000;
/**
 * How often, in nanoseconds, the path is looked at before the records are changed. To look makes the
 * next write slow: the kernel has to give the file another time.
 */
const checkEvery = 50_000_000n;

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

/** A record of a hold of this process. */
export class OwnRecord implements HoldRecord {
  readonly pid: number;
  readonly host: string;
  readonly started: string;
  readonly scope: string;
  readonly token: string;
  readonly member: string;
  readonly since: number;
  readonly shared: boolean;

  constructor(self: ProcessId, member: string, token: bigint, since: number, shared: boolean) {
    this.pid = self.pid;
    this.host = self.host;
    this.started = self.started;
    this.scope = self.scope;
    this.token = String(token);
    this.member = member;
    this.since = since;
    this.shared = shared;
  }
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

// Nobody else runs between reading and writing.
const buffer = Buffer.allocUnsafe(4096);

/**
 * The file beside a lock file that remembers the last token and who holds the lock. It is changed
 * under a lock of its own, for some microseconds; it may be lost without harm to exclusion.
 *
 * It is one line of JSON, written in one go, of which readers take the first line only: what a
 * longer line left behind it does not count. It stays open until `close()`, and is opened again
 * when it is needed after that.
 */
export class Records {
  readonly path: string;
  readonly #open: (path: string) => LockFile;
  #file: LockFile | undefined;
  #checkedAt = 0n;
  // What the line that was last read or written says, so that it need not be parsed again.
  #known: { readonly line: string; readonly content: Content } = { line: "", content: nothing };

  constructor(lockPath: string, open: (path: string) => LockFile) {
    this.path = `${lockPath}${ownFiles.info}`;
    this.#open = open;
  }

  /** Whether anything was recorded and not removed. */
  exist(): boolean {
    if (this.#file) return true;
    return lstatSync(this.path, { throwIfNoEntry: false }) !== undefined;
  }

  /** The holds recorded; none when the file is missing or cannot be understood. */
  read(): readonly HoldRecord[] {
    try {
      return parse(firstLine(readFileSync(this.path, "utf8"))).holds;
    } catch {
      return [];
    }
  }

  /** Changes what is recorded; gives that. Rejects COORD_UNAVAILABLE, or as `signal` says. */
  async change(clock: Clock, change: Change, signal?: AbortSignal): Promise<Content> {
    const until = clock.now() + changeWithin;
    for (;;) {
      const content = this.tryChange(change);
      if (content) return content;
      if (clock.now() > until) throw failure(this.path, new Error("other processes keep it"));
      await new Promise<void>((resolve) => clock.timer(1, resolve));
      signal?.throwIfAborted();
    }
  }

  /** As `change()`, at once; undefined when another process is just changing the file. Throws COORD_UNAVAILABLE. */
  tryChange(change: Change): Content | undefined {
    const file = (this.#file ??= this.#open(this.path));
    try {
      if (!file.tryLock()) return undefined;
      const after = change(this.#contentOf(file.fd));
      const line = lineOf(after);
      writeAll(file.fd, line);
      this.#known = { line, content: after };
      file.unlock();
      return after;
    } catch (error) {
      this.close();
      throw failure(this.path, error);
    }
  }

  /** Whether nobody has changed them since we last did. */
  areAsWeLeftThem(): boolean {
    return this.#file !== undefined && firstLine(readAll(this.#file.fd)) === this.#known.line;
  }

  /**
   * Closes the file if the path does not lead to it any more, so that the next change opens the one
   * that is there. It does not look again for some time.
   * @param now nanoseconds of the clock all processes share.
   */
  check(now: bigint): void {
    if (now - this.#checkedAt < checkEvery) return;
    this.#checkedAt = now;
    if (this.#file?.isCurrent() === false) this.close();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #contentOf(fd: number): Content {
    const line = firstLine(readAll(fd));
    return line === this.#known.line ? this.#known.content : parse(line);
  }
}

/** What others may know of a hold. */
export function infoOf({ member, host, pid, since, token, shared }: HoldRecord): HolderInfo {
  return { member, host, pid, since: new Date(since), token: BigInt(token), shared };
}

function firstLine(text: string): string {
  const end = text.indexOf("\n") + 1;
  return end > 0 ? text.slice(0, end) : text;
}

function lineOf({ token, holds }: Content): string {
  // What is written most is written fastest.
  return `{"token":"${token}","holds":${holds.length > 0 ? JSON.stringify(holds) : "[]"}}\n`;
}

function parse(line: string): Content {
  try {
    const { token, holds } = JSON.parse(line) as { token: string; holds: HoldRecord[] };
    return { token: BigInt(token), holds: holds.filter(isRecord) };
  } catch {
    // Cut off by a crash, or not ours. The token stands first so that it survives the former.
    const token = /^\{"token":"(\d+)"/.exec(line)?.[1];
    return token === undefined ? nothing : { token: BigInt(token), holds: [] };
  }
}

function isRecord({ token, since, member, pid }: HoldRecord): boolean {
  const known = typeof member === "string" && typeof pid === "number";
  return known && /^\d+$/.test(token) && Number.isFinite(new Date(since).getTime());
}

function readAll(fd: number): string {
  let bytes = buffer;
  let length = readSync(fd, bytes, 0, bytes.length, 0);
  while (length === bytes.length) {
    bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
    length += readSync(fd, bytes, length, bytes.length - length, length);
  }
  return bytes.toString("utf8", 0, length);
}

function writeAll(fd: number, text: string): void {
  // No character takes more than three bytes of UTF-8 for each of its units of UTF-16.
  const fits = text.length * 3 <= buffer.length;
  const bytes = fits ? buffer : Buffer.from(text, "utf8");
  const length = fits ? buffer.write(text, "utf8") : bytes.length;
  for (let written = 0; written < length;) {
    written += writeSync(fd, bytes, written, length - written, written);
  }
}
