import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  type BigIntStats,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { CoordError } from "@coord/core/driver";
import type * as KernelLocks from "fs-native-extensions";
import { failure } from "./failures.js";

let loaded: typeof KernelLocks | undefined;

/** Loaded late, so that where there is no build of it, starting says so instead of an import. */
function kernel(): typeof KernelLocks {
  try {
    return (loaded ??= createRequire(import.meta.url)(
      "fs-native-extensions",
    ) as typeof KernelLocks);
  } catch (cause) {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `There is no build of fs-native-extensions for ${process.platform} on ${process.arch} with this C library. Use another backend here.`,
      { cause },
    );
  }
}

// Links are not followed: they could lead out of the folder. Windows has no such flag.
const flags = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0);
// Every read would write its time. Only the owner of a file may leave that out.
const quietly = constants.O_NOATIME ?? 0;
const alone = { shared: false };
const together = { shared: true };

/**
 * An open file on which the kernel's lock can be taken. The lock belongs to this opening of the file:
 * another one excludes it even in the same process, `fcntl` locks of other programs exclude it, and
 * the kernel frees it however the process ends. All operations are synchronous, of a few microseconds
 * each on a local disk. A lock that was taken excludes those who come by the path only if
 * `isCurrent()` says so after it was taken.
 */
export class LockFile {
  readonly path: string;
  readonly fd: number;
  readonly #opened: BigIntStats;
  #ours: boolean | undefined;
  #seen: bigint | undefined;

  private constructor(path: string, fd: number, opened: BigIntStats) {
    this.path = path;
    this.fd = fd;
    this.#opened = opened;
  }

  /** Opens the file, making it if it is missing. Throws COORD_UNAVAILABLE. */
  static open(path: string): LockFile {
    let fd: number | undefined;
    try {
      fd = openOrMake(path);
      const opened = fstatSync(fd, { bigint: true });
      if (!opened.isFile()) throw new Error("it is not a regular file");
      return new LockFile(path, fd, opened);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw failure(path, error);
    }
  }

  /**
   * Takes the lock if it is free, or, with `shared`, held by nobody alone. Who holds it already
   * changes it into the other kind, or keeps it as it is if that is not to be had.
   */
  tryLock(shared = false): boolean {
    try {
      return (loaded ?? kernel()).tryLock(this.fd, shared ? together : alone);
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  /** Whether the path still leads to this file: only then does its lock exclude those who come by the path. */
  isCurrent(): boolean {
    return this.#isAtPath(statOf(this.path));
  }

  /** As `isCurrent()`, and whether somebody touched the file since it was last looked at. It was, the first time. */
  look(): { current: boolean; touched: boolean } {
    const now = statOf(this.path);
    const touched = now?.mtimeNs !== this.#seen;
    this.#seen = now?.mtimeNs;
    return { current: this.#isAtPath(now), touched };
  }

  /**
   * Wakes those who watch the file, and lets those who look at it from time to time see it, if it may
   * be touched by us: whoever is not woken sees it at the next re-check.
   * @param wall milliseconds since 1970.
   */
  touch(wall: number): void {
    const { mtimeMs, size } = fstatSync(this.fd);
    try {
      const next = Math.max(wall, mtimeMs + 1) / 1000;
      futimesSync(this.fd, next, next);
    } catch {
      ftruncateSync(this.fd, size);
    }
  }

  /** Gives the lock back and tells nobody. */
  unlock(): void {
    (loaded ?? kernel()).unlock(this.fd);
  }

  /**
   * Wakes those who watch the file, if that is possible; else they see at the next re-check what there
   * is to see. Not for files whose content may be others'.
   * @param wall milliseconds since 1970.
   */
  tell(wall: number): void {
    try {
      if ((this.#ours ??= isOurs(this.#opened))) futimesSync(this.fd, wall / 1000, wall / 1000);
      // Another user's file: its times cannot be set. Its size can, to what it is.
      else ftruncateSync(this.fd, fstatSync(this.fd).size);
    } catch {
      // As said.
    }
  }

  /** Gives the lock back, too, and tells nobody. */
  close(): void {
    closeSync(this.fd);
  }

  #isAtPath(now: BigIntStats | undefined): boolean {
    return now !== undefined && now.ino === this.#opened.ino && now.dev === this.#opened.dev;
  }
}

/** Opens the file, makes it where there is none, and the folder above it where there is none either. */
function openOrMake(path: string): number {
  // Not at once with O_CREAT: fs.protected_regular refuses that for another user's file.
  const create = constants.O_CREAT;
  for (const way of [quietly, 0, quietly | create]) {
    try {
      return openSync(path, flags | way, 0o666);
    } catch (error) {
      if (!hasCode(error, "ENOENT") && !(way & quietly && hasCode(error, "EPERM"))) throw error;
    }
  }
  // Somebody removed the folder since the session was opened.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSync(path, flags | create, 0o666);
}

/** Whether this user may set the times of the file. */
function isOurs({ uid }: BigIntStats): boolean {
  const user = process.geteuid?.();
  return user === undefined || user === 0 || uid === BigInt(user);
}

/** Undefined where there is nothing, or what is there cannot be looked at: it is none of ours then. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
