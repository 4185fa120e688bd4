import { badOption, refuseUnknown } from "./call-options.js";
import type { Clock } from "./clock.js";
import type { Grant, HolderInfo, Session } from "./contract.js";
import { CoordError, type LossReason } from "./errors.js";
import type { Ticket } from "./queue.js";

/**
 * What is held, from the moment it was granted until it is released or lost. Once lost it stays
 * lost, even when its session comes back.
 */
export interface Hold extends AsyncDisposable {
  /** The full name of what is held, prefix included. */
  readonly name: string;
  /** Of two holds of a name that exclude each other, the later has the greater token. Send it along. */
  readonly token: bigint;
  /** Whether others may hold it shared at the same time. */
  readonly shared: boolean;
  /**
   * Aborted with a COORD_LOST error when the hold is lost; not by `release()`. Where the hold ends
   * by time, before anybody else can be granted it.
   */
  readonly signal: AbortSignal;
  /**
   * The check for the line before a side effect: no timer, no I/O.
   * @returns the instant it judged by, of `process.hrtime.bigint()`.
   * @throws COORD_LOST when it is no longer held, or for less than `atLeast` milliseconds;
   * COORD_BAD_OPTION when `atLeast` is no number from 0, or is misspelt.
   */
  assertHeld(options?: { atLeast?: number }): bigint;
  /** For how many milliseconds it can be relied on if no renewal succeeds; `Infinity` where it is not a matter of time, 0 when lost or released. */
  remaining(): number;
  /**
   * Gives it back. Doing so again, or after it was lost, does nothing more. Rejects COORD_UNAVAILABLE
   * when the backend could not be told; it is not held any more even then, giving it back goes on,
   * and it is free for others at the latest when its session ends.
   */
  release(): Promise<void>;
  /** `release()` for `await using`: it never throws, so that the error of the block is the one seen. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a hold needs of the table it is in. */
export interface HoldKeeper {
  readonly clock: Clock;
  readonly info: HolderInfo;
  /** Gives the grant back to the driver; "gone" if it was not ours any more. */
  giveBack(hold: HeldLock): Promise<"released" | "gone">;
  /** The hold is lost: let the next one in. */
  forget(hold: HeldLock, reason: LossReason): void;
  /** A release that nobody waits for failed. */
  releaseFailed(hold: HeldLock, error: unknown): void;
}

/** A lock that is held: core's side of `Hold`. */
export class HeldLock implements Hold {
  readonly name: string;
  readonly shared: boolean;
  readonly #session: Session;
  readonly #grant: Grant;
  readonly #ticket: Ticket;
  readonly #keeper: HoldKeeper;
  readonly #since: number;
  #lost: CoordError | undefined;
  #released: Promise<"released" | "gone"> | undefined;
  // Made on demand: most holds end before anybody asks for their signal.
  #controller: AbortController | undefined;

  constructor(name: string, session: Session, grant: Grant, ticket: Ticket, keeper: HoldKeeper) {
    this.name = name;
    this.shared = ticket.shared;
    this.#session = session;
    this.#grant = grant;
    this.#ticket = ticket;
    this.#keeper = keeper;
    this.#since = keeper.clock.wall();
    void grant.lost.then((reason) => {
      // After a standstill the news may come before any timer: then its time was over first.
      if (this.remaining() > 0) this.lose(reason);
    });
  }

  get token(): bigint {
    return this.#grant.token;
  }

  /** @internal */
  get session(): Session {
    return this.#session;
  }

  /** @internal */
  get grant(): Grant {
    return this.#grant;
  }

  /** @internal */
  get ticket(): Ticket {
    return this.#ticket;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#lost) this.#controller.abort(this.#lost);
    }
    return this.#controller.signal;
  }

  /** @internal Why it was lost, if it was. */
  get lost(): CoordError | undefined {
    return this.#lost;
  }

  /** @internal What to tell others of this holder. */
  get info(): HolderInfo {
    const { token, shared } = this;
    return { ...this.#keeper.info, since: new Date(this.#since), token, shared };
  }

  assertHeld(options: { atLeast?: number } = {}): bigint {
    refuseUnknown(options, known);
    const { atLeast = 0 } = options;
    if (typeof atLeast !== "number" || !(atLeast >= 0)) {
      throw badOption('"atLeast" must be a number of milliseconds, 0 or more.');
    }
    const at = this.#keeper.clock.hrtime();
    const left = this.remaining();
    if (this.#lost) throw this.#lost;
    if (this.#released) throw lossOf(this.name, "closed");
    if (left < atLeast) throw lossOf(this.name, "expired");
    return at;
  }

  remaining(): number {
    if (this.#lost || this.#released) return 0;
    const { usableUntil } = this.grant.lease;
    if (usableUntil === Infinity) return Infinity;
    const left = usableUntil - this.#keeper.clock.now();
    // No timer has had its turn yet: the process or the machine stood still.
    if (left <= 0) this.lose("expired");
    return Math.max(0, left);
  }

  release(): Promise<void> {
    if (this.#lost && !this.#released) return Promise.resolve();
    this.#released ??= this.#keeper.giveBack(this);
    return this.#released.then(nothing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      this.#keeper.releaseFailed(this, error);
    }
  }

  /** @internal Releases without throwing; gives the loss that came before, or that this was the news of. */
  async end(): Promise<CoordError | undefined> {
    // What it ran may have stood still beyond the lease, and no timer has had its turn yet.
    this.remaining();
    await this[Symbol.asyncDispose]();
    if (this.#lost) return this.#lost;
    const how = await this.#released?.catch(() => "released");
    return how === "gone" ? lossOf(this.name, "taken") : undefined;
  }

  /** @internal The hold is gone, unless it was given back before. */
  lose(reason: LossReason): void {
    if (this.#lost || this.#released) return;
    this.#lost = lossOf(this.name, reason);
    this.#controller?.abort(this.#lost);
    this.#keeper.forget(this, reason);
  }
}

const known = ["atLeast"];
const nothing = (): void => {};

const whatHappened: Record<LossReason, string> = {
  expired: "its time ran out before the backend acknowledged a renewal",
  taken: "the backend no longer has it as ours",
  broken: "somebody broke it",
  session: "the session with the backend ended",
  closed: "it was released or its coordinator stopped",
};

function lossOf(name: string, reason: LossReason): CoordError {
  const message = `"${name}" is no longer held: ${whatHappened[reason]}. Stop what it protects and acquire it again.`;
  return new CoordError("COORD_LOST", message, { reason });
}
