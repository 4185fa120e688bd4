import { endless, type Grant, type LossReason } from "@coord/core/driver";
import { FileWatch } from "./disk/file-watch.js";
import type { LockFile } from "./disk/lock-file.js";

/** What a grant needs of its session. */
export interface GrantKeeper {
  /** Removes the grant's record, if it can; never rejects. */
  erase(grant: FileGrant): Promise<void>;
  /** Whether its record says that somebody broke it. */
  isBroken(grant: FileGrant): boolean;
  /** It is over; forget it. */
  forget(grant: FileGrant): void;
}

/** A lock file that we have locked. */
export class FileGrant implements Grant {
  readonly token: bigint;
  readonly lease = endless;
  readonly lost: Promise<LossReason>;
  readonly file: LockFile;
  readonly #keeper: GrantKeeper;
  #lose!: (reason: LossReason) => void;
  #watch: FileWatch | undefined;
  #over = false;

  constructor(token: bigint, file: LockFile, keeper: GrantKeeper) {
    this.token = token;
    this.file = file;
    this.#keeper = keeper;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** Checks the file from now on whenever it is touched or moved. Doing so twice changes nothing. */
  watch(failed: (error: unknown) => void): void {
    if (!this.#over) this.#watch ??= new FileWatch(this.file.path, () => this.check(), failed);
  }

  /**
   * Lost when the path leads to another file or none, because who comes by it now is not excluded any
   * more; and when somebody who wants it back has said so in its record and touched the file.
   */
  check(): void {
    if (this.#over) return;
    const { current, touched } = this.file.look();
    if (current && !touched) return;
    const broken = this.#keeper.isBroken(this);
    if (!current) {
      this.#end();
      this.file.close();
      this.#lose(broken ? "broken" : "taken");
      void this.#keeper.erase(this);
    } else if (broken) {
      // It is still locked until core, which tells the holder first, gives it back.
      this.#lose("broken");
    }
  }

  async release(): Promise<"released" | "gone"> {
    if (this.#over) return "gone";
    this.#end();
    // Before unlocking, so that nobody is named who holds no more.
    await this.#keeper.erase(this);
    this.file.release();
    return "released";
  }

  #end(): void {
    this.#over = true;
    this.#watch?.close();
    this.#keeper.forget(this);
  }
}
