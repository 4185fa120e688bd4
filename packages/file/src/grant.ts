import { endless, type Grant, type LossReason } from "@coord/core/driver";
import { FileWatch } from "./disk/file-watch.js";
import type { LockFile } from "./disk/lock-file.js";
import type { Place } from "./disk/places.js";

/** What a grant needs of its session. */
export interface GrantKeeper {
  /** Removes the grant's record, if it can; at once where nobody else is writing, and never rejects. */
  erase(grant: FileGrant): Promise<void> | undefined;
  /** Gives back the file, whose record was erased. */
  unlock(grant: FileGrant): void;
  /** Its file was taken away: closes it, and erases its record, if it can. */
  abandon(grant: FileGrant): void;
  /** It is over; forget it. */
  forget(grant: FileGrant): void;
}

/** A lock file that we have locked. */
export class FileGrant implements Grant {
  readonly token: bigint;
  readonly lease = endless;
  readonly lost: Promise<LossReason>;
  readonly file: LockFile;
  readonly place: Place;
  readonly #keeper: GrantKeeper;
  #lose!: (reason: LossReason) => void;
  #watch: FileWatch | undefined;
  #over = false;

  constructor(token: bigint, file: LockFile, place: Place, keeper: GrantKeeper) {
    this.token = token;
    this.file = file;
    this.place = place;
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
    const broken = this.#isBroken();
    if (!current) {
      this.#end();
      this.#lose(broken ? "broken" : "taken");
      this.#keeper.abandon(this);
    } else if (broken) {
      // It is still locked until core, which tells the holder first, gives it back.
      this.#lose("broken");
    }
  }

  async release(): Promise<"released" | "gone"> {
    // Whoever came by the path since the file was taken away is not excluded by us.
    this.check();
    if (this.#over) return "gone";
    this.#end();
    // Before unlocking, so that nobody is named who holds no more.
    const erased = this.#keeper.erase(this);
    if (erased) await erased;
    this.#keeper.unlock(this);
    return "released";
  }

  /** Whether its record says that somebody broke it. */
  #isBroken(): boolean {
    const records = this.place.records.read();
    return records.some((hold) => hold.token === String(this.token) && hold.broken !== undefined);
  }

  #end(): void {
    this.#over = true;
    this.#watch?.close();
    this.#keeper.forget(this);
  }
}
