import type { Clock } from "./clock.js";
import type { Grant, HolderInfo } from "./contract.js";
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
   * @throws COORD_LOST when it is no longer held, or for less than `atLeast` milliseconds.
   */
  assertHeld(options?: { atLeast?: number }): bigint;
  /** For how many milliseconds it can be relied on if no renewal succeeds; `Infinity` where it is not a matter of time, 0 when lost or released. */
  remaining(): number;
  /**
   * Gives it back. Doing so twice, or after it was lost, does nothing. Rejects COORD_UNAVAILABLE when
   * the backend could not be told; it is not held any more even then, and is free for others at the
   * latest when its session ends.
   */
  release(): Promise<void>;
  /** `release()` for `await using`: it never throws, so that the error of the block is the one seen. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a hold needs of the table it is in. */
export interface HoldKeeper {
  readonly clock: Clock;
  readonly info: HolderInfo;
  /** Gives the grant back to the driver. */
  giveBack(hold: HeldLock): Promise<void>;
  /** The hold is lost: let the next one in. */
  forget(hold: HeldLock): void;
  /** A release that nobody waits for failed. */
  releaseFailed(hold: HeldLock, error: unknown): void;
}

/** A lock that is held: core's side of `Hold`. */
export class HeldLock implements Hold {
  readonly name: string;
  readonly shared: boolean;
  /** @internal */
  readonly grant: Grant;
  /** @internal */
  readonly ticket: Ticket;
  readonly #keeper: HoldKeeper;
  readonly #since: number;
  #lost: CoordError | undefined;
  #released: Promise<void> | undefined;
  // Made on demand: most holds end before anybody asks for their signal.
  #controller: AbortController | undefined;

  constructor(name: string, grant: Grant, ticket: Ticket, keeper: HoldKeeper) {
    this.name = name;
    this.shared = ticket.shared;
    this.grant = grant;
    this.ticket = ticket;
    this.#keeper = keeper;
    this.#since = keeper.clock.wall();
    void grant.lost.then((reason) => this.lose(reason));
  }

  get token(): bigint {
    return this.grant.token;
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

  assertHeld({ atLeast = 0 }: { atLeast?: number } = {}): bigint {
    const at = this.#keeper.clock.hrtime();
    if (this.#lost) throw this.#lost;
    if (this.#released) throw lossOf(this.name, "closed");
    if (this.grant.lease.endsAt - Number(at) / 1e6 < atLeast) throw lossOf(this.name, "expired");
    return at;
  }

  remaining(): number {
    if (this.#lost || this.#released) return 0;
    return Math.max(0, this.grant.lease.endsAt - this.#keeper.clock.now());
  }

  release(): Promise<void> {
    if (this.#lost && !this.#released) return Promise.resolve();
    this.#released ??= this.#keeper.giveBack(this);
    return this.#released;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      this.#keeper.releaseFailed(this, error);
    }
  }

  /** @internal The hold is gone, unless it was given back before. */
  lose(reason: LossReason): void {
    if (this.#lost || this.#released) return;
    this.#lost = lossOf(this.name, reason);
    this.#controller?.abort(this.#lost);
    this.#keeper.forget(this);
  }
}

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
