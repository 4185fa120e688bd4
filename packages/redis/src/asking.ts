import type { AcquireRequest, Claim, Clock } from "@coord/core/driver";
import { isRefusal } from "./connection/failures.js";
import { infoOf } from "./holders.js";
import { Rechecks } from "./rechecks.js";
import type { Restarts } from "./restarts.js";
import type { Acquired, Server } from "./server.js";

/** What is asked for, and by whom it is given up. */
export interface Askers {
  /** By owner; whoever is not among them is not waited for. */
  readonly claims: Map<string, Claim>;
  withdraw(owner: string): void;
}

/** Asks the server for claims, until it gives an answer that lasts: one request at a time for each. */
export class Asking {
  readonly #server: Server;
  readonly #restarts: Restarts;
  readonly #askers: Askers;
  readonly #rechecks: Rechecks;
  readonly #asked = new Set<Claim>();

  constructor(clock: Clock, server: Server, restarts: Restarts, askers: Askers) {
    this.#server = server;
    this.#restarts = restarts;
    this.#askers = askers;
    this.#rechecks = new Rechecks(clock, (owner) => {
      const claim = askers.claims.get(owner);
      if (claim && !claim.granted) void this.ask(claim);
    });
  }

  /** Asks for what is no claim yet, and is to be told to `ask()`; undefined where it is too early to. */
  begin(request: AcquireRequest): Promise<Acquired> | undefined {
    return this.#restarts.left > 0 ? undefined : this.#acquire(request);
  }

  /** Whether an answer is on its way. */
  has(claim: Claim): boolean {
    return this.#asked.has(claim);
  }

  /** The server says that it is the next: it may have become that without a question. */
  becameNext(claim: Claim): void {
    if (!this.#rechecks.has(claim.request.owner)) void this.ask(claim);
  }

  /** Asks, also where an earlier question is still unanswered. */
  askAgain(claim: Claim): void {
    this.#asked.delete(claim);
    void this.ask(claim);
  }

  async ask(claim: Claim, asked?: Promise<Acquired>): Promise<void> {
    const { owner, wait } = claim.request;
    if (this.#asked.has(claim)) return;
    const early = this.#restarts.left;
    if (early > 0 && wait && !asked) return this.#rechecks.after(early, owner);
    this.#asked.add(claim);
    try {
      if (early > 0 && !asked) throw this.#restarts.tooEarly();
      const answer = await (asked ?? this.#acquire(claim.request));
      if (this.#isWanted(claim)) this.#answered(claim, answer);
    } catch (error) {
      // Maybe it was done. Whoever waits is asked for again, by the next beat.
      if (!this.#isWanted(claim) || (wait && !isRefusal(error))) return;
      this.#askers.withdraw(owner);
      claim.fail(error);
    } finally {
      this.#asked.delete(claim);
    }
  }

  /** Nobody waits for it any more. */
  forget(owner: string): void {
    this.#rechecks.forget(owner);
  }

  stop(): void {
    this.#rechecks.stop();
  }

  #acquire(request: AcquireRequest): Promise<Acquired> {
    return this.#server.acquire(request, () => this.#askers.claims.has(request.owner));
  }

  #isWanted(claim: Claim): boolean {
    return this.#askers.claims.get(claim.request.owner) === claim;
  }

  #answered(claim: Claim, answer: Acquired): void {
    if (typeof answer === "string") return claim.grant(answer);
    const { owner } = claim.request;
    const [how, what] = answer;
    if (how === "wait") {
      if (what >= 0) this.#rechecks.after(what, owner);
    } else {
      this.#askers.claims.delete(owner);
      claim.refuse({ busy: true, holders: what.map(infoOf) });
    }
  }
}
