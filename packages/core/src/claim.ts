import type { AcquireRequest, Busy, Grant, Lease } from "./contract.js";
import type { LossReason } from "./errors.js";

/** What a claim needs of its session. */
export interface ClaimKeeper {
  readonly lease: Lease;
  /** Nobody waits for the answer any more: what was asked must leave nothing at the server. */
  withdraw(owner: string): void;
  /** Gives back what was granted. */
  release(owner: string, signal: AbortSignal): Promise<"released" | "gone">;
}

/**
 * One request of core's at a driver whose server answers late, twice, or unasked: it waits for an
 * answer, or was granted and not given back. Whatever is told twice counts once.
 */
export class Claim {
  readonly request: AcquireRequest;
  readonly answer: Promise<Grant | Busy>;
  readonly #keeper: ClaimKeeper;
  readonly #lost: Promise<LossReason>;
  #resolve!: (answer: Grant | Busy) => void;
  #reject!: (error: unknown) => void;
  #lose!: (reason: LossReason) => void;
  #unlisten: () => void;
  #granted = false;

  constructor(request: AcquireRequest, keeper: ClaimKeeper) {
    this.request = request;
    this.#keeper = keeper;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#lost = new Promise((resolve) => (this.#lose = resolve));
    this.#unlisten = request.onAbort(() => {
      this.#reject(request.signal.reason);
      keeper.withdraw(request.owner);
    });
  }

  /** Whether core has the grant. */
  get granted(): boolean {
    return this.#granted;
  }

  /** It is ours; told again, nothing changes. */
  grant(token: string): void {
    if (this.#granted) return;
    this.#granted = true;
    this.#unlisten();
    this.#resolve({
      token: BigInt(token),
      lease: this.#keeper.lease,
      lost: this.#lost,
      release: (signal) => this.#keeper.release(this.request.owner, signal),
    });
  }

  refuse(busy: Busy): void {
    this.#unlisten();
    this.#resolve(busy);
  }

  /** It cannot be answered. What was granted is not touched by it. */
  fail(error: unknown): void {
    this.#unlisten();
    this.#reject(error);
  }

  /** What was granted is gone, or with "broken" should be given back. */
  lose(reason: LossReason): void {
    this.#lose(reason);
  }
}
