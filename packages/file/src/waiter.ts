import { FileWatch } from "./disk/file-watch.js";
import { LockFile } from "./disk/lock-file.js";

interface Settle {
  resolve(file: LockFile): void;
  reject(reason: unknown): void;
}

/**
 * Waits for the lock of the file at a path: tries whenever the file is touched, as its releaser does,
 * and whenever `check()` is called, for holders that die or do not touch it.
 */
export class Waiter {
  /** The file, locked; rejects when it cannot be opened or locked, or with the reason of `cancel()`. */
  readonly locked: Promise<LockFile>;
  readonly #path: string;
  readonly #watchFailed: (error: unknown) => void;
  #file: LockFile;
  #watch: FileWatch;
  #settle: Settle | undefined;

  /** `file` was opened at the path and somebody else had its lock. */
  constructor(file: LockFile, watchFailed: (error: unknown) => void) {
    this.#path = file.path;
    this.#watchFailed = watchFailed;
    this.locked = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#file = file;
    this.#watch = this.#watchPath();
    // It may have been released before the watch was there.
    this.check();
  }

  /** Tries now. */
  check(): void {
    if (!this.#settle) return;
    try {
      const locked = this.#file.tryLock();
      if (this.#file.isCurrent()) {
        if (locked) this.#finish()?.resolve(this.#file);
      } else {
        this.#moveOn();
      }
    } catch (error) {
      this.cancel(error);
    }
  }

  /** Gives up, unless it has the lock already. */
  cancel(reason: unknown): void {
    const settle = this.#finish();
    if (!settle) return;
    this.#file.close();
    settle.reject(reason);
  }

  /** The file was removed or replaced: waits at the one that is at the path now. */
  #moveOn(): void {
    const next = LockFile.open(this.#path);
    this.#file.close();
    this.#watch.close();
    this.#file = next;
    this.#watch = this.#watchPath();
    if (next.tryLock() && next.isCurrent()) this.#finish()?.resolve(next);
  }

  #watchPath(): FileWatch {
    return new FileWatch(this.#path, () => this.check(), this.#watchFailed);
  }

  #finish(): Settle | undefined {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#watch.close();
    return settle;
  }
}
