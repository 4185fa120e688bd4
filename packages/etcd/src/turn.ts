import { Claim, type AcquireRequest, type ClaimKeeper } from "@coord/core/driver";
import { Ahead } from "./ahead.js";
import type { Connection } from "./connection/connection.js";
import type { Spot } from "./keys.js";
import { most, type Queue } from "./queue.js";
import { Rival } from "./rival.js";

/** What a turn needs of its session. */
export interface TurnKeeper extends ClaimKeeper {
  readonly queue: Queue;
  /** The one there is now; throws COORD_UNAVAILABLE where there is none. */
  readonly connection: Connection;
  /** It is in line, or held: its key is to be watched soon. */
  entered(turn: Turn): void;
  /** Nothing of it is at the server any more, and it does not come back. */
  gone(turn: Turn): void;
  /** A question was not answered, or refused. */
  failed(turn: Turn, error: unknown): void;
  superseded(): void;
}

/** One request of core's, from entering the line of its name to leaving it. */
export class Turn {
  readonly claim: Claim;
  readonly spot: Spot;
  readonly seat: number;
  readonly #keeper: TurnKeeper;
  #revision: string | undefined;
  // From where on what is said of its key is news.
  #from = "0";
  #asking: Promise<void> | undefined;
  #askAgain = false;
  // Whether what this member knows is enough: it has just told of a change, or made one.
  #isHere = true;
  #isAsked = false;
  #isOver = false;
  #own: (() => void) | undefined;
  // Of those before it: where they are few, all, else the last one.
  #ahead: Ahead | undefined;
  #rival: Rival | undefined;

  constructor(request: AcquireRequest, at: { spot: Spot; seat: number }, keeper: TurnKeeper) {
    this.spot = at.spot;
    this.seat = at.seat;
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

  /** On a new connection what was answered last may be old; what is watched is what is asked for from now on. */
  anew(): void {
    if (this.#isOver) return;
    // While it was greeted some of it may have been asked for already.
    this.#unwatch();
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
    const changed = (how: "Put" | "Delete"): void =>
      how === "Put" ? this.#toBeGivenUp() : this.#gone();
    try {
      const what = { key: this.spot.key, start_revision: this.#from };
      this.#own = this.#keeper.connection.watches.watch(what, { changed, ended });
    } catch {
      // It is watched on the next connection.
    }
  }

  /** Nothing is told of it any more, and nothing watched. */
  end(): void {
    this.#isOver = true;
    this.#unwatch();
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
    // What is told anyway is heard from before it is in line on, so that nothing is missed.
    const { deletions } = this.#keeper.connection;
    if (this.request.wait && deletions.has(this.request.name)) this.#ahead ??= this.#listen();
    const entered = await this.#keeper.queue.enter(this.request, this.spot);
    this.#isHere = true;
    if (entered === "superseded") return this.#keeper.superseded();
    if (entered === "busy") {
      if (this.#isOver) return;
      this.#keeper.gone(this);
      return this.claim.refuse({ busy: true });
    }
    if ("since" in entered) {
      this.#standsSince(entered.since);
      this.#askAgain = true;
    } else {
      this.#standsSince(entered.revision);
      this.#stands(entered.rivals, entered.revision);
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
    this.#stands(found.rivals, found.at);
  }

  #standsSince(revision: string): void {
    this.#revision = revision;
    this.#from = next(revision);
    if (!this.#isOver) this.#keeper.entered(this);
  }

  #stands(rivals: readonly Buffer[], at: string): void {
    if (this.#isOver || this.claim.granted) return;
    const [last] = rivals;
    if (!last) return this.#granted();
    if (rivals.length > most) return this.#follow(last, at);
    this.#unwatchRival();
    this.#ahead ??= this.#listen();
    this.#ahead.were(rivals, at);
  }

  #granted(): void {
    // Without a key it stands nowhere, and has no token.
    if (this.claim.granted || this.#revision === undefined) return;
    this.#unfollow();
    this.claim.grant(this.#revision);
    if (this.#isAsked) this.claim.lose("broken");
  }

  /** Is told of all that leave the line: whoever is near the lock, so that nothing has to be asked then. */
  #listen(): Ahead {
    const { spot, request } = this;
    return new Ahead(
      spot.key,
      {
        free: () => this.#granted(),
        removed: (at) => {
          if (at > BigInt(this.#revision ?? at)) this.#gone();
        },
        unsure: () => this.#askSoon(),
        ended: () => {
          this.#ahead = undefined;
          this.ask();
        },
      },
      (listener) => this.#keeper.connection.deletions.listen(request.name, spot.line, listener),
    );
  }

  #follow(key: Buffer, at: string): void {
    this.#unlisten();
    if (this.#rival?.follows(key)) return;
    this.#unwatchRival();
    const gone = (): void => this.#askSoon();
    const ended = (): void => {
      this.#unwatchRival();
      this.ask();
    };
    this.#rival = new Rival(this.#keeper.connection.watches, key, at, { gone, ended });
  }

  #unwatch(): void {
    this.#own?.();
    this.#own = undefined;
    this.#unfollow();
  }

  #unfollow(): void {
    this.#unlisten();
    this.#unwatchRival();
  }

  #unlisten(): void {
    this.#ahead?.end();
    this.#ahead = undefined;
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
    this.#unwatch();
    this.#revision = undefined;
    if (!this.claim.granted) {
      this.#isAsked = false;
      return this.ask();
    }
    this.#keeper.gone(this);
    this.claim.lose(this.#isAsked ? "broken" : "taken");
  }
}

function next(revision: string): string {
  return String(BigInt(revision) + 1n);
}
