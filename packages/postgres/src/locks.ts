import type { Claim, Mode } from "@coord/core/driver";
import { sqlStateOf } from "./connection/wire.js";
import { failure } from "./refused.js";
import type { Place, Retry, Server } from "./server.js";
import { again, busy, noSlot, ofGate, waits } from "./statements.js";

/** What a lock needs of its session. */
export interface LockKeeper {
  readonly server: Server;
  /** Nothing is left of it here or at the server. */
  forget(lock: NamedLock): void;
  /** It was answered with no: nobody wants it any more. */
  drop(claim: Claim): void;
  /** What it has at the server cannot be known any more. */
  end(error: unknown): void;
}

type State = "free" | "waiting" | "held";

/**
 * What one session has of one lock: who of it wants it and who holds it, and what the server has of
 * that. The server has one hold for all of a session's readers, and one place in line for all that
 * wait. One request at a time is under way, so that each knows what the one before did.
 */
export class NamedLock {
  readonly key: bigint;
  readonly #keeper: LockKeeper;
  readonly #wanted = new Set<Claim>();
  readonly #holders = new Set<Claim>();
  // Who gives it back and waits for that.
  #given: (() => void)[] = [];
  #state: State = "free";
  #mode: Mode = "exclusive";
  #token = 0n;
  #place: Place = { slot: noSlot, gate: false };
  #isBusy = false;
  #isWoken = false;
  #mayNotJoin = false;
  #isOver = false;

  constructor(key: bigint, keeper: LockKeeper) {
    this.key = key;
    this.#keeper = keeper;
  }

  get holders(): ReadonlySet<Claim> {
    return this.#holders;
  }

  get token(): bigint {
    return this.#token;
  }

  get isWanted(): boolean {
    return this.#wanted.size > 0;
  }

  /** What is to be asked again after a while, because a death wakes nobody; undefined if nothing is. */
  get due(): Retry | undefined {
    if (this.#state !== "waiting" || this.#isBusy) return undefined;
    return { key: this.key, mode: this.#mode, ...this.#place };
  }

  want(claim: Claim): void {
    this.#wanted.add(claim);
    // It is not looked for again after a while, so now.
    if (!claim.request.wait) this.#mayNotJoin = false;
    this.#next();
  }

  /** Nobody waits for it any more. */
  withdraw(claim: Claim): void {
    this.#wanted.delete(claim);
    this.#next();
  }

  /** Resolves when the server has given it to others, or another reader of the session still holds it. */
  async release(claim: Claim): Promise<void> {
    if (!this.#holders.delete(claim) || this.#holders.size > 0) return;
    const given = new Promise<void>((resolve) => this.#given.push(resolve));
    this.#next();
    await given;
  }

  /** Its holders are told that it is broken; resolves when they have given it back. */
  async break(): Promise<void> {
    if (this.#holders.size === 0) return;
    const given = new Promise<void>((resolve) => this.#given.push(resolve));
    for (const claim of this.#holders) claim.lose("broken");
    await given;
  }

  /** Somebody gave it back, and whoever has this slot, or the gate, or neither, is next. */
  wake(whom: string): void {
    const { slot, gate } = this.#place;
    // The answer to what is asked now may be that it is our turn.
    const meant = this.#isBusy || whom === "*" || (whom === "g" ? gate : whom === String(slot));
    if (!meant) return;
    this.#isWoken = true;
    this.#next();
  }

  /** A reader that had to stay behind a writer may try again. */
  reconsider(): void {
    if (!this.#mayNotJoin) return;
    this.#mayNotJoin = false;
    this.#next();
  }

  /** The session is over, and all that it had of this: who waits for it is told `error`. */
  over(error: unknown): void {
    this.#isOver = true;
    for (const claim of this.#wanted) claim.fail(error);
    this.#wanted.clear();
    this.#holders.clear();
    this.#isGiven();
  }

  /** Several are asked for again at once, this one with them. */
  async during(answer: Promise<bigint>): Promise<void> {
    await this.#do(async () => this.#answered(await answer));
  }

  #next(): void {
    if (this.#isBusy || this.#isOver) return;
    const { server } = this.#keeper;
    const [first] = this.#wanted;
    if (this.#state === "held") {
      if (this.#holders.size === 0) void this.#do(() => this.#giveBack());
      else if (first?.request.mode === "shared" && this.#mode === "shared" && !this.#mayNotJoin)
        void this.#do(() => this.#join());
    } else if (this.#state === "waiting") {
      if (first?.request.mode !== this.#mode) void this.#do(() => this.#leave());
      else if (this.#isWoken) {
        void this.#do(async () => {
          const { key } = this;
          this.#answered(await server.retry({ key, mode: this.#mode, ...this.#place }));
        });
      } else this.#refuse();
    } else if (first) {
      void this.#do(() => this.#ask(first.request.mode));
    } else {
      this.#keeper.forget(this);
    }
  }

  async #do(work: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    this.#isWoken = false;
    try {
      await work();
    } catch (error) {
      await this.#failed(error);
    }
    this.#isBusy = false;
    this.#next();
  }

  async #ask(mode: Mode): Promise<void> {
    this.#mode = mode;
    this.#place = { slot: noSlot, gate: false };
    const { server } = this.#keeper;
    const patient = [...this.#wanted].some(({ request }) => request.wait);
    this.#answered(await (patient ? server.ask(this.key, mode) : server.try(this.key, mode)));
  }

  #answered(answer: bigint): void {
    if (answer > busy) {
      this.#state = "held";
      this.#token = answer;
      this.#mayNotJoin = false;
      for (const claim of this.#wanted) if (claim.request.mode === this.#mode) this.#grant(claim);
    } else if (answer === busy) {
      this.#refuse();
    } else if (answer !== again) {
      this.#state = "waiting";
      const place = waits - answer;
      this.#place = { slot: Number(place % ofGate), gate: place >= ofGate };
      this.#refuse();
    }
  }

  #grant(claim: Claim): void {
    this.#wanted.delete(claim);
    this.#holders.add(claim);
    claim.grant(String(this.#token));
  }

  /** Others have it: who does not wait is told so. */
  #refuse(): void {
    for (const claim of this.#wanted) {
      if (claim.request.wait) continue;
      this.#wanted.delete(claim);
      this.#keeper.drop(claim);
      claim.refuse({ busy: true });
    }
  }

  async #join(): Promise<void> {
    if (await this.#keeper.server.join(this.key)) {
      const isGiven = this.#holders.size === 0 && this.#wanted.size > 0;
      for (const claim of this.#wanted) this.#grant(claim);
      // Meanwhile all others have given it back, and the session holds it for these alone.
      if (isGiven) this.#tellGiven();
    } else {
      this.#mayNotJoin = true;
      this.#refuse();
    }
  }

  async #leave(): Promise<void> {
    await this.#keeper.server.leave(this.key, this.#place);
    this.#state = "free";
  }

  async #giveBack(): Promise<void> {
    // Who was woken in a slot goes on from there, so that all have their turn.
    const slot = this.#place.slot === noSlot ? noSlot - 1 : this.#place.slot;
    await this.#keeper.server.release(this.key, this.#mode, slot);
    this.#isGiven();
  }

  #isGiven(): void {
    this.#state = "free";
    this.#mayNotJoin = false;
    this.#tellGiven();
  }

  #tellGiven(): void {
    const given = this.#given;
    this.#given = [];
    for (const resolve of given) resolve();
  }

  /** Also where that is cancelled, as what was before it. */
  async #scrub(keep: boolean): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#keeper.server.scrub(this.key, keep);
        return;
      } catch (error) {
        if (!isCancelled(error) || tries === 50) throw error;
      }
    }
  }

  /** The request may have been done, in part or as a whole. */
  async #failed(error: unknown): Promise<void> {
    if (this.#isOver) return;
    const held = this.#state === "held" && this.#holders.size > 0;
    try {
      await this.#scrub(held);
    } catch (cause) {
      this.#keeper.end(cause);
      return;
    }
    if (!held) this.#isGiven();
    // Cancelled by somebody: who waits is asked for anew.
    const cancelled = isCancelled(error);
    for (const claim of this.#wanted) {
      if (cancelled && claim.request.wait) continue;
      this.#wanted.delete(claim);
      this.#keeper.drop(claim);
      claim.fail(failure(error));
    }
  }
}

function isCancelled(error: unknown): boolean {
  return sqlStateOf(error) === "57014";
}
