import type { Clock } from "./clock.js";
import type { LossReason } from "./errors.js";
import type { OptionSpec } from "./option-spec.js";
import type { Traits } from "./traits.js";
import type { BackendUrl } from "./url.js";

/** What a package registers for its URL schemes. */
export interface Driver<Spec extends OptionSpec = OptionSpec> {
  /** For people: what messages call the backend. */
  readonly name: string;
  /** The schemes it serves, in lower case, without the colon. */
  readonly schemes: readonly string[];
  /** The options its URLs may have. Core checks URLs against it before `open()`. */
  readonly options: Spec;
  /**
   * Opens a session. Rejects COORD_UNAVAILABLE when the backend is away, in bounded time, and leaves
   * nothing behind then, nor when `context.signal` is aborted meanwhile.
   */
  open(url: BackendUrl<Spec>, context: SessionContext): Promise<Session>;
}

/** What core gives a driver for one session. */
export interface SessionContext {
  /** The coordinator's `prefix + agentId`. */
  readonly memberId: string;
  /** For how long, in milliseconds, the backend keeps what is held for a client it does not hear. */
  readonly ttl: number;
  /** Who we are, for the records that tell others who holds a lock. */
  readonly info: HolderInfo;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the coordinator stops: opening ends then. */
  readonly signal: AbortSignal;
  /** The id of this coordinator's last session, so that what it left can be revoked. */
  readonly previous?: string;
  /** Tells core that the backend stopped answering, or answers again, while the session lives. */
  state(state: "connected" | "suspended"): void;
}

/**
 * One unit of liveness on a backend: a lease, a connection, a process's open files. When it ends,
 * all that was held through it is gone, and core opens another.
 */
export interface Session {
  /** Never used by another session. */
  readonly id: string;
  /** What is promised on this very server. */
  readonly traits: Traits;
  readonly lease: Lease;
  /** Core calls `beat()` at least this often, in milliseconds; `Infinity`: never. */
  readonly beatEvery: number;
  /**
   * Renews the session and looks after what is held. Rejecting means "unknown", and core goes on
   * beating; what is known to be gone is told by `ended` or by a grant's `lost`. Never called again
   * before the last call has settled or its `signal` was aborted.
   */
  beat?(signal: AbortSignal): Promise<void>;
  /** Resolves when the session is over, however it came. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  /**
   * Asks for a lock. Core never has two requests for one name that exclude each other at a session
   * at once, and never begins one whose signal is aborted. Rejects at once when `request.signal` is
   * aborted and then leaves nothing behind: what is granted all the same is given back by the driver.
   */
  acquire(request: AcquireRequest): Promise<Grant | Busy>;
  /** Who holds the name and who waits for it, as far as the backend knows. */
  inspect?(name: string, signal: AbortSignal): Promise<LockState>;
  /** Takes the lock from its holder; see `Lock.break()`. Ends, rejecting, when `signal` is aborted. */
  break?(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult>;
  /** Gives back everything and waits for clean-ups under way, until `signal` is aborted at the latest. */
  close(signal: AbortSignal): Promise<void>;
}

/** Why a session ended: `reason` becomes that of every hold lost with it. */
export interface SessionEnd {
  readonly reason: LossReason;
  readonly error?: Error;
}

/**
 * A request for a lock. Hand it on as it is: its `signal` is made when it is first read, because most
 * requests are answered without one, and a spread leaves it and `onAbort()` out.
 */
export interface AcquireRequest {
  /** The lock's full name: any well-formed string but the empty one. */
  readonly name: string;
  /** Core's id of the attempt: the same over retries and new sessions, never used for another. */
  readonly owner: string;
  readonly mode: Mode;
  /** Whether to wait until it is free, or to answer `Busy` at once. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /**
   * Calls `callback` once when `signal` is aborted, or soon if it is already, as the function of that
   * name does, and without making the signal. The function it returns takes that back.
   */
  onAbort(callback: () => void): () => void;
  /** What to record of the holder, once granted. */
  readonly info: HolderInfo;
}

/** How a lock is held: alone, or together with others that hold it shared. */
export type Mode = "exclusive" | "shared";

/** A driver's word for one thing granted. */
export interface Grant {
  /** Of two grants of a name that exclude each other, the later has the greater token. */
  readonly token: bigint;
  /** Until when the grant can be relied on; the session's, where it has no end of its own. */
  readonly lease: Lease;
  /** A promise of its own: resolves when this grant, not the whole session, is gone otherwise than by `release()`. Never rejects. */
  readonly lost: Promise<LossReason>;
  /**
   * Gives it back, only if it is still ours, compared in the backend, in one step. When it rejected
   * it is called again, until it answers or the session ends; never while an earlier call is under way,
   * which should settle soon after its `signal` is aborted.
   */
  release(signal: AbortSignal): Promise<"released" | "gone">;
}

/** The answer when somebody else holds the lock and the request did not want to wait. */
export interface Busy {
  readonly busy: true;
  /** Who holds it, where the answer said so; where it did not, core asks `inspect()` when it must know. */
  readonly holders?: readonly HolderInfo[];
}

/**
 * Until when a session or a grant can be relied on. Drivers get one from `startLease()`, or use
 * `endless`; they tell it of renewals, and core judges by it. All instants are of the `now()` of the
 * clock in the session's context.
 */
export interface Lease {
  /** How many milliseconds the backend keeps it without hearing of us. */
  readonly ttl: number;
  /** When it ends: the last acknowledged renewal's sending and the ttl. `Infinity`: not by time. */
  readonly endsAt: number;
  /** Until when users may rely on it: one margin before the end. */
  readonly usableUntil: number;
  /**
   * The backend acknowledged a renewal that was sent at `sentAt`, for `ttl` milliseconds if it said
   * how many. An older answer, or one that comes after `usableUntil`, changes nothing.
   */
  renewed(sentAt: number, ttl?: number): void;
}

/** What is known of a holder, or of one who waits. */
export interface HolderInfo {
  /** Its coordinator's `memberId`, or "unknown" where the backend knows of it but not who it is. */
  readonly member: string;
  readonly host?: string;
  readonly pid?: number;
  /** Since when it holds, or waits. */
  readonly since?: Date;
  readonly token?: bigint;
  readonly shared?: boolean;
}

/** What `inspect()` answers. */
export interface LockState {
  readonly holders: readonly HolderInfo[];
  /** In the order in which they will be served, where there is one; as far as the backend knows them. */
  readonly waiters: readonly HolderInfo[];
}

/** What `break()` takes. */
export interface BreakOptions {
  /** Break only the hold with this token: what came after it stays. */
  readonly token?: bigint;
  /** Take it away at once, without asking the holder. */
  readonly force: boolean;
}

/** What `break()` did, and whose the lock was. */
export interface BreakResult {
  /**
   * - `released`: the holder was asked and gave it back.
   * - `expired`: the holder did not answer and its time ran out.
   * - `forced`: it was taken away.
   * - `free`: nobody held it, or not with that token.
   */
  readonly outcome: "released" | "expired" | "forced" | "free";
  readonly holders: readonly HolderInfo[];
}

/** Where messages go. `console` is one; without one, nothing is printed. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
