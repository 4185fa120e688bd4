import { Claim, type AcquireRequest, type ClaimKeeper } from "@coord/core/driver";
import type { Watches } from "./connection/watches.js";
import type { Spot } from "./keys.js";
import type { Queue } from "./queue.js";

/** What a turn needs of its session. */
export interface TurnKeeper extends ClaimKeeper {
  readonly queue: Queue;
  /** Of the connection there is now; throws COORD_UNAVAILABLE where there is none. */
  readonly watches: Watches;
  /** It is in line, or held: its key is to be watched soon. */
  entered(turn: Turn): void;
  /** It is not wanted, or not there, any more. */
  over(turn: Turn): void;
  /** A question was not answered, or refused. */
  failed(turn: Turn, error: unknown): void;
  superseded(): void;
}

/** One request of core's, from entering the line of its name to leaving it. */
export class Turn {
  readonly claim: Claim;
  readonly spot: Spot;
  readonly #keeper: TurnKeeper;
  #revision: string | undefined;
  // From where on what is said of its key is news.
  #from = "0";
  #asking: Promise<void> | undefined;
  #askAgain = false;
  // Whether what this member knows is enough: it has just told of a change.
  #isHere = true;
  #isAsked = false;
  #isOver = false;
  #own: (() => void) | undefined;
  #rival: { readonly key: Buffer; end(): void } | undefined;

  constructor(request: AcquireRequest, spot: Spot, keeper: TurnKeeper) {
    this.spot = spot;
    this.#keeper = keeper;
    this.claim = new Claim(request, keeper);
  }

  get request(): AcquireRequest {
    return this.claim.request;
  }

  /** Since when its key is there, as far as we know. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** Resolves when no question of it is under way. */
  get settled(): Promise<void> | undefined {
    return this.#asking;
  }

  /** Asks how it stands; while that is under way, once more after it. */
  ask(): void {
    this.#isHere = false;
    this.#askSoon();
  }

  #askSoon(): void {
    if (this.#isOver) return;
    if (this.#asking) this.#askAgain = true;
    else this.#asking = this.#ask().finally(() => (this.#asking = undefined));
  }

  /** On a new connection nothing is watched yet, and what was answered last may be old. */
  anew(): void {
    if (this.#isOver) return;
    this.#own = undefined;
    this.#rival = undefined;
    if (this.#revision !== undefined) this.#keeper.entered(this);
    if (!this.claim.granted) this.ask();
  }

  /** Watches its own key: it may be taken away, or asked back. */
  watch(): void {
    if (this.#isOver || this.#own || this.#revision === undefined) return;
    const ended = (): void => {
      this.#own = undefined;
      this.ask();
    };
    const changed = (how: "Put" | "Delete"): void => {
      if (how === "Put") this.#toBeGivenUp();
      else this.#gone();
    };
    try {
      this.#own = this.#keeper.watches.watch(this.spot.key, { changed, ended }, this.#from);
    } catch {
      // It is watched on the next connection.
    }
  }

  /** Nothing is told of it any more, and nothing watched. */
  end(): void {
    this.#isOver = true;
    this.#own?.();
    this.#unwatchRival();
  }

  async #ask(): Promise<void> {
    try {
      do {
        this.#askAgain = false;
        if (this.#revision === undefined) await this.#enter();
        else await this.#look(this.#revision);
      } while (this.#askAgain && !this.#isOver);
    } catch (error) {
      if (!this.#isOver) this.#keeper.failed(this, error);
    }
  }

  async #enter(): Promise<void> {
    const entered = await this.#keeper.queue.enter(this.request, this.spot);
    if (entered === "superseded") return this.#keeper.superseded();
    if (entered === "busy") {
      if (this.#isOver) return;
      this.#keeper.over(this);
      return this.claim.refuse({ busy: true });
    }
    if ("since" in entered) {
      this.#standsSince(entered.since);
      this.#askAgain = true;
    } else {
      this.#standsSince(entered.revision);
      this.#stands(entered.rival);
    }
  }

  async #look(revision: string): Promise<void> {
    const here = this.#isHere;
    this.#isHere = true;
    const found = await this.#keeper.queue.look(this.spot, revision, here);
    if (this.#isOver || this.#revision !== revision) return;
    if (!found) return this.#gone();
    this.#from = next(found.at);
    if (!this.#own) this.#keeper.entered(this);
    if (found.asked) this.#toBeGivenUp();
    this.#stands(found.rival);
  }

  #standsSince(revision: string): void {
    this.#revision = revision;
    this.#from = next(revision);
    if (!this.#isOver) this.#keeper.entered(this);
  }

  #stands(rival: Buffer | undefined): void {
    if (this.#isOver || this.claim.granted) return;
    if (rival) this.#follow(rival);
    else this.#granted();
  }

  #granted(): void {
    this.#unwatchRival();
    this.claim.grant(this.#revision ?? "0");
    if (this.#isAsked) this.claim.lose("broken");
  }

  /** Waits for the one before it; who is gone before that is watched is found by asking once more. */
  #follow(key: Buffer): void {
    if (this.#rival?.key.equals(key)) return;
    this.#unwatchRival();
    const confirmed = (): void => this.#askSoon();
    const ended = (): void => {
      this.#unwatchRival();
      this.ask();
    };
    const changed = (how: "Put" | "Delete"): void => {
      if (how !== "Delete") return;
      this.#unwatchRival();
      this.#askSoon();
    };
    const end = this.#keeper.watches.watch(key, { confirmed, changed, ended });
    this.#rival = { key, end };
  }

  #unwatchRival(): void {
    this.#rival?.end();
    this.#rival = undefined;
  }

  #toBeGivenUp(): void {
    this.#isAsked = true;
    if (this.claim.granted) this.claim.lose("broken");
  }

  /** Whoever waits enters again, at the end. */
  #gone(): void {
    this.#own?.();
    this.#own = undefined;
    this.#unwatchRival();
    this.#revision = undefined;
    if (!this.claim.granted) {
      this.#isAsked = false;
      return this.ask();
    }
    this.#keeper.over(this);
    this.claim.lose(this.#isAsked ? "broken" : "taken");
  }
}

function next(revision: string): string {
  return String(BigInt(revision) + 1n);
}
