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
import { Places, type Place } from "./disk/places.js";
import { isAlive, thisProcess, type ProcessId } from "./disk/process-id.js";
import { Entrance } from "./entrance.js";
import { fileNameOf } from "./file-names.js";
import { FileGrant, type GrantKeeper } from "./grant.js";
import { Microseconds } from "./microseconds.js";
import { infoOf, OwnRecord, type Change, type HoldRecord } from "./records.js";
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
  readonly #places: Places;
  readonly #time: Microseconds;
  readonly #waits: Waits;
  readonly #entrance: Entrance;
  #end!: (end: SessionEnd) => void;
  #closed = false;
  #warned = false;

  constructor(folder: string, traits: Traits, context: SessionContext) {
    this.#folder = folder;
    this.traits = traits;
    this.#context = context;
    this.#time = new Microseconds(context.clock);
    this.#places = new Places(
      (name) => join(folder, fileNameOf(name)),
      () => {
        for (const { place } of this.#grants) place.empty();
      },
    );
    this.#waits = new Waits(context.clock, this.#watchFailed);
    this.#entrance = new Entrance(context.clock, this.#waits);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const shared = request.mode === "shared";
    for (;;) {
      const place = this.#places.at(request.name);
      let grant: Grant | undefined;
      place.enter();
      try {
        const entered = request.wait
          ? this.#entrance.enter(place, shared, request)
          : this.#entrance.try(place, shared);
        const file = entered instanceof Promise ? await entered : entered;
        if (!file) return { busy: true };
        grant = await this.#grant(file, place, request, entered instanceof Promise);
        if (grant) return grant;
      } finally {
        // Else the grant does so when it is over.
        if (!grant) place.leave();
      }
    }
  }

  /** Loses what is held of files that were removed or replaced, or whose holder is asked to give back. */
  async beat(): Promise<void> {
    this.#places.beat();
    let watched = 0;
    for (const grant of this.#grants) {
      grant.check();
      grant.place.rest();
      // Only now, because most holds are over before their first beat.
      if (++watched <= mostWatched) grant.watch(this.#watchFailed);
    }
  }

  async inspect(name: string): Promise<LockState> {
    const place = this.#places.at(name);
    place.enter();
    try {
      // The kernel knows whether it is locked, and only the records by whom.
      const locked = await isLocked(place, this.#entrance, this.#context.clock);
      if (!locked) return { holders: [], waiters: [] };
      const held = place.records.read().filter((hold) => isHeld(hold, this.#self));
      const holders = held.length > 0 ? held.map(infoOf) : [{ member: "unknown" }];
      return { holders, waiters: [] };
    } finally {
      place.leave();
    }
  }

  async break(name: string, options: BreakOptions): Promise<BreakResult> {
    const { clock, ttl } = this.#context;
    const self = this.#self;
    const place = this.#places.at(name);
    place.enter();
    try {
      const breaker = { clock, ttl, waits: this.#waits, entrance: this.#entrance, self };
      return await breakLock(place, options, breaker);
    } finally {
      place.leave();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waits.end(sessionClosed());
    await Promise.all([...this.#grants].map((grant) => grant.release()));
    this.#places.close();
    this.#end({ reason: "closed" });
  }

  erase({ place, token }: FileGrant): Promise<void> | undefined {
    const own = String(token);
    const change: Change = ({ token: last, holds }) => ({
      token: last,
      holds: holds.filter((hold) => hold.token !== own),
    });
    const stays = (error: unknown): void =>
      this.#context.log.debug(`A record of a hold stays: ${String(error)}`);
    try {
      if (!place.records.exist() || place.records.tryChange(change)) return undefined;
    } catch (error) {
      stays(error);
      return undefined;
    }
    return place.records.change(this.#context.clock, change).then(() => {}, stays);
  }

  unlock({ file, place }: FileGrant): void {
    const { clock } = this.#context;
    place.releasedAt = clock.hrtime();
    try {
      file.unlock();
    } catch (error) {
      file.close();
      place.leave();
      throw error;
    }
    place.lock.keep(file);
    place.tell(clock.wall());
    place.leave();
  }

  abandon(grant: FileGrant): void {
    const { file, place } = grant;
    file.close();
    // They may have been taken away together.
    place.empty();
    void Promise.resolve(this.erase(grant)).then(() => place.leave());
  }

  forget(grant: FileGrant): void {
    this.#grants.delete(grant);
  }

  /** Draws the token and records the hold; undefined when the locked file was taken away meanwhile. */
  async #grant(
    file: LockFile,
    place: Place,
    request: AcquireRequest,
    waited: boolean,
  ): Promise<Grant | undefined> {
    const { clock } = this.#context;
    const { records } = place;
    let grant: FileGrant | undefined;
    try {
      const since = clock.wall();
      const shared = request.mode === "shared";
      const record: Change = (before) => {
        const now = this.#time.next();
        const token = now > before.token ? now : before.token + 1n;
        const hold = new OwnRecord(this.#self, request.info.member, token, since, shared);
        const others = this.#others(before.holds, shared);
        return { token, holds: others.length > 0 ? [...others, hold] : [hold] };
      };
      records.check(clock.hrtime());
      const recorded = records.tryChange(record);
      const { token } = recorded ?? (await records.change(clock, record, request.signal));
      grant = new FileGrant(token, file, place, this);
      // Else nobody could abort it since it came, and to look makes the signal.
      if (waited || !recorded) request.signal.throwIfAborted();
      if (this.#closed) throw sessionClosed();
      if (file.isCurrent()) {
        this.#grants.add(grant);
        return grant;
      }
      file.close();
      place.empty();
      await this.erase(grant);
      return undefined;
    } catch (error) {
      if (grant) await this.erase(grant);
      file.close();
      place.tell(clock.wall());
      throw error;
    }
  }

  /** The records that stay beside that of a new hold. */
  #others(holds: readonly HoldRecord[], shared: boolean): readonly HoldRecord[] {
    // Beside one who holds it alone, only those who have yet to hear that their file was taken away.
    if (holds.length === 0 || (shared && holds.length < manyRecords)) return holds;
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

function sessionClosed(): CoordError {
  return new CoordError("COORD_STOPPED", "The session was closed. Open another.");
}
