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
const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

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
    for (;;) {
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
    const now = lstatSync(this.path, { bigint: true, throwIfNoEntry: false });
    if (!now || now.ino !== this.#opened.ino || now.dev !== this.#opened.dev) {
      return { current: false, touched: true };
    }
    const touched = now.mtimeNs !== this.#touchedAt;
    this.#touchedAt = now.mtimeNs;
    return { current: true, touched };
  }

  /** Wakes those who watch the file, and lets those who only look at it from time to time see that. */
  touch(): void {
    const { mtimeMs, size } = fstatSync(this.fd);
    const now = new Date(Math.max(new Date().getTime(), mtimeMs + 1));
    if (this.#ours) futimesSync(this.fd, now, now);
    else ftruncateSync(this.fd, size);
  }

  /** Gives the lock back and wakes those who watch the file; `close()` alone wakes nobody. */
  unlock(): void {
    if (this.#ours) {
      kernel().unlock(this.fd);
      const now = new Date();
      futimesSync(this.fd, now, now);
    } else {
      // Another user's file: its times cannot be set. Its size can, to what it is, while it is locked
      // against those who would write to it.
      ftruncateSync(this.fd, fstatSync(this.fd).size);
      kernel().unlock(this.fd);
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

function openOrMake(path: string): number {
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    // Somebody removed the folder since the session was opened.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, flags, 0o666);
  }
}
