import { join } from "node:path";
import {
  CoordError,
  endless,
  type AcquireRequest,
  type BreakOptions,
  type BreakResult,
  type Busy,
  type Grant,
  type LockState,
  type Session,
  type SessionContext,
  type SessionEnd,
  type Traits,
} from "@coord/core/driver";
import { breakLock, isHeld, isLocked } from "./breaking.js";
import type { LockFile } from "./disk/lock-file.js";
import { isAlive, thisProcess, type ProcessId } from "./disk/process-id.js";
import { Entrance } from "./entrance.js";
import { fileNameOf } from "./file-names.js";
import { FileGrant, type GrantKeeper } from "./grant.js";
import { infoOf, Records, type Change, type HoldRecord } from "./records.js";
import { recheckEvery, Waits } from "./waits.js";

/** How many files held are watched for their removal; those beyond are only looked at by each beat. */
const mostWatched = 1_000;
/** From how many records of shared holds on those of dead processes are looked for and removed. */
const manyRecords = 16;

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
  readonly #waits: Waits;
  readonly #entrance: Entrance;
  #end!: (end: SessionEnd) => void;
  #closed = false;
  #warned = false;

  constructor(folder: string, traits: Traits, context: SessionContext) {
    this.#folder = folder;
    this.traits = traits;
    this.#context = context;
    this.#waits = new Waits(context.clock, this.#watchFailed);
    this.#entrance = new Entrance(context.clock, this.#waits);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const { name, mode, wait, signal } = request;
    const path = this.#path(name);
    const shared = mode === "shared";
    for (;;) {
      const file = wait
        ? await this.#entrance.enter(path, shared, signal)
        : await this.#entrance.try(path, shared);
      if (!file) return { busy: true };
      const grant = await this.#grant(file, request);
      if (grant) return grant;
    }
  }

  /** Loses what is held of files that were removed or replaced, or whose holder is asked to give back. */
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
    // The kernel knows whether it is locked, and only the records by whom.
    if (!(await isLocked(path, this.#entrance))) return { holders: [], waiters: [] };
    const held = new Records(path).read().filter((hold) => isHeld(hold, this.#self));
    const holders = held.length > 0 ? held.map(infoOf) : [{ member: "unknown" }];
    return { holders, waiters: [] };
  }

  break(name: string, options: BreakOptions): Promise<BreakResult> {
    const { clock, ttl } = this.#context;
    const self = this.#self;
    const breaker = { clock, ttl, waits: this.#waits, entrance: this.#entrance, self };
    return breakLock(this.#path(name), options, breaker);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waits.end(sessionClosed());
    await Promise.all([...this.#grants].map((grant) => grant.release()));
    this.#end({ reason: "closed" });
  }

  isBroken({ file, token }: FileGrant): boolean {
    const records = new Records(file.path).read();
    return records.some((hold) => hold.token === String(token) && hold.broken !== undefined);
  }

  async erase({ file, token }: FileGrant): Promise<void> {
    try {
      const records = new Records(file.path);
      if (!records.exist()) return;
      await records.change(this.#context.clock, ({ token: last, holds }) => ({
        token: last,
        holds: holds.filter((hold) => hold.token !== String(token)),
      }));
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

  /** Draws the token and records the hold; undefined when the locked file was taken away meanwhile. */
  async #grant(file: LockFile, request: AcquireRequest): Promise<Grant | undefined> {
    const { info, mode, signal } = request;
    const { clock } = this.#context;
    let grant: FileGrant | undefined;
    try {
      const since = clock.wall();
      const shared = mode === "shared";
      const record: Change = (before) => {
        const token = nextToken(before.token, since);
        const member = info.member;
        const hold = { ...this.#self, token: String(token), member, since, shared };
        return { token, holds: [...this.#others(before.holds, shared), hold] };
      };
      const { token } = await new Records(file.path).change(clock, record, signal);
      grant = new FileGrant(token, file, this);
      signal.throwIfAborted();
      if (this.#closed) throw sessionClosed();
      if (file.isCurrent()) {
        this.#grants.add(grant);
        return grant;
      }
      await this.erase(grant);
      file.close();
      return undefined;
    } catch (error) {
      if (grant) await this.erase(grant);
      file.release();
      throw error;
    }
  }

  /** The records that stay beside that of a new hold. */
  #others(holds: readonly HoldRecord[], shared: boolean): readonly HoldRecord[] {
    // Beside one who holds it alone, only those who have yet to hear that their file was taken away.
    if (shared && holds.length < manyRecords) return holds;
    const living = holds.filter((hold) => isAlive(hold, this.#self) !== false);
    return shared ? living : living.filter(({ broken }) => broken === "forced");
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

function sessionClosed(): CoordError {
  return new CoordError("COORD_STOPPED", "The session was closed. Open another.");
}
