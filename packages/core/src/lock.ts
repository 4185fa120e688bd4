import { badOption, refuseUnknown } from "./call-options.js";
import type { BreakResult, HolderInfo, LockState } from "./contract.js";
import { CoordError } from "./errors.js";
import type { HeldLock, Hold } from "./hold.js";
import type { LockTable } from "./lock-table.js";
import { refuseDeadlock, runWithin } from "./nesting.js";
import type { Want } from "./request.js";
import type { Traits } from "./traits.js";

/** How to ask for a lock. */
export interface AcquireOptions {
  /** How many milliseconds to wait for it; 0: not at all. @default no end for `acquire`, 0 for `tryAcquire` */
  timeout?: number | undefined;
  /** Ends the waiting when it is aborted; what is held by then stays held. */
  signal?: AbortSignal | undefined;
  /** Ask for it shared: together with others who hold it shared, never with one who holds it alone. @default false */
  shared?: boolean | undefined;
}

/** What a lock needs of its coordinator; throws what says that it is not started. */
export interface LockSource {
  locks(): LockTable;
  traits(): Traits;
}

/**
 * A lock's name and the ways to ask for it. Making one costs nothing and nothing is known of it
 * anywhere before somebody acquires it; what is held is the `Hold`.
 */
export class Lock {
  /** The full name: the coordinator's prefix and the name given. */
  readonly name: string;
  readonly #source: LockSource;

  /** @internal */
  constructor(name: string, source: LockSource) {
    this.name = name;
    this.#source = source;
  }

  /**
   * Waits until the lock is ours.
   *
   * Rejects COORD_BUSY, with the holders, when somebody else still had it after `timeout`;
   * COORD_UNAVAILABLE when the backend could not say; with `signal.reason` when that was aborted;
   * COORD_STOPPED when the coordinator stopped. Whichever it is, nothing is left behind.
   */
  acquire(options: AcquireOptions = {}): Promise<Hold> {
    return this.#acquire(options);
  }

  /** As `acquire`, but answers undefined where that rejects COORD_BUSY, and does not wait unless told to. */
  async tryAcquire(options: AcquireOptions = {}): Promise<Hold | undefined> {
    const held = await this.#source.locks().acquire(this.name, this.#want(options, 0));
    return "busy" in held ? undefined : held;
  }

  /**
   * Runs `work` while the lock is held and gives what it returns. The lock is released however it
   * ends. An error of `work` is the one thrown; else, when the lock was lost meanwhile, COORD_LOST
   * with what `work` returned as `result`. A release that fails is only logged.
   *
   * Within a `run()` that holds this very lock, shared or not, it rejects COORD_DEADLOCK at once,
   * because it would wait for ever; not if it has a `timeout`. `acquire()` does not look for that.
   */
  async run<T>(work: (hold: Hold) => T | Promise<T>, options: AcquireOptions = {}): Promise<T> {
    if ((options.timeout ?? Infinity) === Infinity) refuseDeadlock(this.#source, this.name);
    const hold = await this.#acquire(options);
    let result: T;
    let lost: CoordError | undefined;
    try {
      result = await runWithin(this.#source, hold, work);
    } finally {
      lost = await hold.end();
    }
    if (!lost) return result;
    throw new CoordError("COORD_LOST", lost.message, {
      cause: lost,
      result,
      ...(lost.reason ? { reason: lost.reason } : {}),
    });
  }

  /** Who holds it and who waits for it, as far as the backend knows. Rejects COORD_UNAVAILABLE, COORD_UNSUPPORTED. */
  async inspect(): Promise<LockState> {
    return this.#source.locks().questions.inspect(this.name);
  }

  /**
   * Takes the lock from whoever holds it: asks the holder, and answers when it has given the lock
   * back or its time has run out. With `force` it is taken away at once, and only the token protects
   * what the holder still does. Rejects COORD_UNAVAILABLE, COORD_UNSUPPORTED.
   */
  async break(
    options: { token?: bigint | undefined; force?: boolean | undefined } = {},
  ): Promise<BreakResult> {
    refuseUnknown(options, ["token", "force"]);
    const { token, force = false } = options;
    if (token !== undefined && typeof token !== "bigint")
      throw badOption('"token" must be a bigint.');
    if (typeof force !== "boolean") throw badOption('"force" must be true or false.');
    const wanted = token === undefined ? { force } : { force, token };
    return this.#source.locks().questions.break(this.name, wanted);
  }

  async #acquire(options: AcquireOptions): Promise<HeldLock> {
    const locks = this.#source.locks();
    const want = this.#want(options, Infinity);
    const held = await locks.acquire(this.name, want);
    if (!("busy" in held)) return held;
    const holders = held.holders ?? (await locks.holders(this.name, want));
    throw new CoordError("COORD_BUSY", busyMessage(this.name, holders), { holders });
  }

  #want(options: AcquireOptions, otherwise: number): Want {
    refuseUnknown(options, known);
    const { timeout, signal, shared = false } = options;
    const wanted = timeout ?? otherwise;
    if (typeof wanted !== "number" || !(wanted >= 0)) {
      throw badOption('"timeout" must be a number of milliseconds, 0 or more, or Infinity.');
    }
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw badOption('"signal" must be an AbortSignal.');
    }
    if (typeof shared !== "boolean") throw badOption('"shared" must be true or false.');
    if (shared && !this.#source.traits().shared) {
      throw new CoordError(
        "COORD_UNSUPPORTED",
        "This backend has no shared locks. Leave { shared } out, or use a backend that has them.",
      );
    }
    return { timeout: wanted, signal, shared };
  }
}

const known = ["timeout", "signal", "shared"];

function busyMessage(name: string, holders: readonly HolderInfo[]): string {
  const who = holders.map(describe).join(", ");
  const what = who === "" ? "could not be had in time" : `is held by ${who}`;
  return `"${name}" ${what}. Wait longer with { timeout }, or try again later.`;
}

function describe({ member, host, pid, since }: HolderInfo): string {
  const details = [
    ...(pid === undefined ? [] : [`process ${pid}`]),
    ...(host === undefined ? [] : [`on ${host}`]),
    ...(since === undefined ? [] : [`since ${since.toISOString()}`]),
  ];
  return details.length > 0 ? `${member} (${details.join(" ")})` : member;
}
