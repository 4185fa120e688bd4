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
/** How often a file that is replaced while it is opened is opened again. */
const mostOpened = 100;

/**
 * An open file on which the kernel's lock can be taken. The lock belongs to this opening of the file:
 * another one excludes it even in the same process, `fcntl` locks of other programs exclude it, and
 * the kernel frees it however the process ends. All operations are synchronous, of a few microseconds
 * each on a local disk.
 */
export class LockFile {
  readonly path: string;
  readonly fd: number;
  readonly #opened: BigIntStats;
  readonly #ours: boolean;
  #touchedAt: bigint;

  private constructor(path: string, fd: number, opened: BigIntStats) {
    this.path = path;
    this.fd = fd;
    this.#opened = opened;
    this.#touchedAt = opened.mtimeNs;
    const user = process.geteuid?.();
    this.#ours = user === undefined || user === 0 || opened.uid === BigInt(user);
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

  /** Opens the file that is at the path and takes its lock if that is free. Throws COORD_UNAVAILABLE. */
  static openAndTry(path: string, shared = false): { file: LockFile; locked: boolean } {
    for (let opened = 0; opened < mostOpened; opened++) {
      const file = LockFile.open(path);
      try {
        const locked = file.tryLock(shared);
        if (file.isCurrent()) return { file, locked };
        file.close();
      } catch (error) {
        file.close();
        throw failure(path, error);
      }
    }
    throw failure(path, new Error("another file is there each time it is opened"));
  }

  /**
   * Takes the lock if it is free, or, with `shared`, held by nobody alone. Who holds it already
   * changes it into the other kind.
   */
  tryLock(shared = false): boolean {
    try {
      return kernel().tryLock(this.fd, { shared });
    } catch (error) {
      throw failure(this.path, error);
    }
  }

  /** Whether the path still leads to this file: only then does its lock exclude those who come by the path. */
  isCurrent(): boolean {
    return this.look().current;
  }

  /** As `isCurrent()`, and whether somebody touched the file since it was opened or last looked at. */
  look(): { current: boolean; touched: boolean } {
    const now = statOf(this.path);
    if (!now || now.ino !== this.#opened.ino || now.dev !== this.#opened.dev) {
      return { current: false, touched: true };
    }
    const touched = now.mtimeNs !== this.#touchedAt;
    this.#touchedAt = now.mtimeNs;
    return { current: true, touched };
  }

  /**
   * Wakes those who watch the file, and lets those who look at it from time to time see it, if it may
   * be touched by us: whoever is not woken sees it at the next re-check.
   */
  touch(): void {
    const { mtimeMs, size } = fstatSync(this.fd);
    try {
      const now = new Date();
      const next = new Date(Math.max(now.getTime(), mtimeMs + 1));
      futimesSync(this.fd, next, next);
    } catch {
      ftruncateSync(this.fd, size);
    }
  }

  /**
   * Gives the lock back and wakes those who watch the file; `close()` alone wakes nobody. Where the
   * file cannot be touched, for whatever reason, the lock is given back all the same.
   */
  unlock(): void {
    try {
      // Another user's file: its times cannot be set. Its size can, to what it is, while it is locked
      // against those who would write to it.
      if (!this.#ours) ftruncateSync(this.fd, fstatSync(this.fd).size);
    } catch {
      // The re-check wakes them.
    }
    kernel().unlock(this.fd);
    try {
      const now = new Date();
      if (this.#ours) futimesSync(this.fd, now, now);
    } catch {
      // As above.
    }
  }

  /** Gives the lock back, wakes those who watch the file, and closes it. */
  release(): void {
    try {
      this.unlock();
    } finally {
      this.close();
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Opens the file, makes it where there is none, and the folder above it where there is none either. */
function openOrMake(path: string): number {
  // Not at once with O_CREAT: fs.protected_regular refuses that for another user's file.
  const ways = [flags, flags | constants.O_CREAT];
  for (const way of ways) {
    try {
      return openSync(path, way, 0o666);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  // Somebody removed the folder since the session was opened.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSync(path, flags | constants.O_CREAT, 0o666);
}

/** Undefined where there is nothing, or what is there cannot be looked at: it is none of ours then. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
