import { lstatSync } from "node:fs";
import { join } from "node:path";
import {
  CoordError,
  endless,
  onAbort,
  type AcquireRequest,
  type Busy,
  type Grant,
  type HolderInfo,
  type LockState,
  type Session,
  type SessionContext,
  type SessionEnd,
  type Timer,
  type Traits,
} from "@coord/core/driver";
import { failure } from "./disk/failures.js";
import { fileNameOf } from "./file-names.js";
import { FileGrant, type GrantKeeper } from "./grant.js";
import { LockFile } from "./disk/lock-file.js";
import { isAlive, thisProcess, type ProcessId } from "./disk/process-id.js";
import { infoOf, Records, type Change, type Content } from "./records.js";
import { Waiter } from "./waiter.js";

/** How often those who wait try again in case a holder died, in milliseconds. */
const recheckEvery = 25;
/** How many files held are watched for their removal; those beyond are only looked at by each beat. */
const mostWatched = 1_000;
/** How long the file of records may be in another process's hands, in milliseconds. */
const recordsWithin = 5_000;

/** The lock files that one coordinator holds or waits for in a folder. */
export class FileSession implements Session, GrantKeeper {
  readonly id = crypto.randomUUID();
  readonly traits: Traits;
  readonly lease = endless;
  readonly beatEvery = 1_000;
  readonly ended: Promise<SessionEnd>;
  readonly #folder: string;
  readonly #context: SessionContext;
  readonly #self: ProcessId = thisProcess();
  readonly #grants = new Set<FileGrant>();
  readonly #waiters = new Set<Waiter>();
  #recheck: Timer | undefined;
  #end!: (end: SessionEnd) => void;
  #warned = false;

  constructor(folder: string, traits: Traits, context: SessionContext) {
    this.#folder = folder;
    this.traits = traits;
    this.#context = context;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async acquire({ name, wait, signal, info }: AcquireRequest): Promise<Grant | Busy> {
    const { file, locked } = LockFile.openAndTry(this.#path(name));
    if (locked) return this.#grant(file, signal, info);
    if (wait) return this.#grant(await this.#wait(file, signal), signal, info);
    file.close();
    return { busy: true };
  }

  /** Loses what is held of files that were removed or replaced. */
  async beat(): Promise<void> {
    let watched = 0;
    for (const grant of this.#grants) {
      grant.check();
      // Only now, because most holds are over before their first beat.
      if (++watched <= mostWatched) grant.watch(this.#watchFailed);
    }
  }

  async inspect(name: string): Promise<LockState> {
    const path = this.#path(name);
    if (!lstatSync(path, { throwIfNoEntry: false })) return { holders: [], waiters: [] };
    // The kernel knows whether it is locked, and only the records by whom.
    const { file, locked } = LockFile.openAndTry(path);
    if (locked) {
      file.release();
      return { holders: [], waiters: [] };
    }
    file.close();
    const holders = new Records(path)
      .read()
      .filter((hold) => isAlive(hold, this.#self) === true)
      .map(infoOf);
    return { holders: holders.length > 0 ? holders : [{ member: "unknown" }], waiters: [] };
  }

  async close(): Promise<void> {
    const closed = new CoordError("COORD_STOPPED", "The session was closed. Open another.");
    for (const waiter of this.#waiters) waiter.cancel(closed);
    this.#recheck?.cancel();
    await Promise.all([...this.#grants].map((grant) => grant.release()));
    this.#end({ reason: "closed" });
  }

  async erase({ file, token }: FileGrant): Promise<void> {
    const without: Change = ({ token: last, holds }) => ({
      token: last,
      holds: holds.filter((hold) => hold.token !== String(token)),
    });
    try {
      const records = new Records(file.path);
      if (records.exist()) await this.#change(records, without);
    } catch (error) {
      this.#context.log.debug(`A record of a hold stays: ${String(error)}`);
    }
  }

  forget(grant: FileGrant): void {
    this.#grants.delete(grant);
  }

  #path(name: string): string {
    return join(this.#folder, fileNameOf(name));
  }

  async #wait(file: LockFile, signal: AbortSignal): Promise<LockFile> {
    const waiter = new Waiter(file, this.#watchFailed);
    const unlisten = onAbort(signal, () => waiter.cancel(signal.reason));
    this.#waiters.add(waiter);
    this.#recheck ??= this.#context.clock.timer(recheckEvery, this.#checkWaiters);
    try {
      return await waiter.locked;
    } finally {
      unlisten();
      this.#waiters.delete(waiter);
    }
  }

  readonly #checkWaiters = (): void => {
    for (const waiter of this.#waiters) waiter.check();
    this.#recheck =
      this.#waiters.size > 0
        ? this.#context.clock.timer(recheckEvery, this.#checkWaiters)
        : undefined;
  };

  /** Draws the token and records the hold; the file is locked. */
  async #grant(file: LockFile, signal: AbortSignal, info: HolderInfo): Promise<Grant> {
    try {
      const since = this.#context.clock.wall();
      const records = new Records(file.path);
      const { token } = await this.#change(records, (before) => {
        const token = nextToken(before.token, since);
        const hold = { ...this.#self, token: String(token), member: info.member, since };
        // Whoever else is recorded is dead, or was told that it lost a file that was removed.
        return { token, holds: [hold] };
      });
      signal.throwIfAborted();
      const grant = new FileGrant(token, file, this);
      this.#grants.add(grant);
      return grant;
    } catch (error) {
      file.release();
      throw error;
    }
  }

  async #change(records: Records, change: Change): Promise<Content> {
    const { clock } = this.#context;
    const until = clock.now() + recordsWithin;
    for (;;) {
      const content = records.tryChange(change);
      if (content) return content;
      if (clock.now() > until) throw failure(records.path, new Error("another process keeps it"));
      await new Promise<void>((resolve) => clock.timer(1, resolve));
    }
  }

  readonly #watchFailed = (error: unknown): void => {
    if (this.#warned) return;
    this.#warned = true;
    this.#context.log.warn(
      `Lock files in ${this.#folder} cannot be watched (${String(error)}), so waiting takes up to ${recheckEvery} ms longer. Raise fs.inotify.max_user_watches or max_user_instances.`,
    );
  };
}

/** Greater than the one before even when the clock was set back, and than a forgotten one when it was not. */
function nextToken(last: bigint, now: number): bigint {
  const microseconds = BigInt(Math.floor(now * 1000));
  return microseconds > last ? microseconds : last + 1n;
}
