/**
 * What makes this right over a network is to compare two lists. `#claims` is what core wants: what it
 * asked for and did not give back. What the server has for the session is its answer to every beat.
 * Where they differ, something was lost on the way, be it a request, an answer or a push, and the beat
 * makes that good: what the server does not have is asked again, as the same owner; what nobody wants
 * is released; what was granted, broken or taken unheard is told. A new connection begins with a beat.
 *
 * It needs that the server does what a session asks in the order in which it is asked, over all its
 * connections, or not at all: what comes late must undo nothing. They are numbered for that.
 */
import { Claim, CoordError, Link, onAbort, startLease } from "@coord/core/driver";
import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  ClaimKeeper,
  Grant,
  HolderInfo,
  Lease,
  LockState,
  LossReason,
  Session,
  SessionContext,
  SessionEnd,
  Traits,
} from "@coord/core/driver";
import { Connection, noAnswer } from "./connection.js";
import type { Info, Operation, Operations, Push } from "./wire.js";

/** Where the server is, and which of its names are meant. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Names of one space are not those of another. */
  readonly space: string;
}

export class ToySession implements Session, ClaimKeeper {
  readonly id = crypto.randomUUID();
  readonly traits: Traits;
  readonly lease: Lease;
  readonly beatEvery: number;
  readonly ended: Promise<SessionEnd>;
  readonly #space: string;
  readonly #context: SessionContext;
  readonly #link: Link<Connection>;
  readonly #claims = new Map<string, Claim>();
  #resolveEnded!: (end: SessionEnd) => void;
  #isOpen = false;
  #isOver = false;

  /** In one try: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(
    address: Address,
    traits: Traits,
    context: SessionContext,
  ): Promise<ToySession> {
    const session = new ToySession(address, traits, context);
    await session.#link.open(context.signal);
    return session;
  }

  private constructor(address: Address, traits: Traits, context: SessionContext) {
    const { clock, ttl } = context;
    const { id: session } = this;
    const within = Math.min(ttl / 4, 2_000);
    this.traits = traits;
    // The server begins to count when it hears of us, which is later: so it also ends later.
    this.lease = startLease(clock, { sentAt: clock.now(), ttl });
    // Often enough that one may get lost, and that another connection may be needed.
    this.beatEvery = ttl / 4;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#space = address.space;
    this.#context = context;
    const hear = (push: Push): void => this.#hear(push);
    let made = 0;
    this.#link = new Link<Connection>({
      clock,
      within,
      retryAfter: 50,
      make: (lost) =>
        new Connection({ ...address, session, number: (made += 1), clock, within, hear, lost }),
      greet: () => this.#greet(),
      close: (connection) => connection.close(),
      state: (state) => context.state(state),
      unavailable: (cause) => noAnswer(address, cause),
    });
  }

  async beat(): Promise<void> {
    await this.#link.ready();
    await this.#renew();
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const claim = new Claim(request, this);
    this.#claims.set(request.owner, claim);
    void this.#ask(claim);
    return claim.answer;
  }

  async inspect(name: string, signal: AbortSignal): Promise<LockState> {
    const { holders, waiters } = await this.#call("inspect", { name }, signal);
    return { holders: holders.map(holderOf), waiters: waiters.map(holderOf) };
  }

  /** A holder that is asked may take as long as its lease. */
  async break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const { token, force } = options;
    const only = token === undefined ? {} : { token: String(token) };
    const { outcome, holders } = await this.#call("break", { name, force, ...only }, signal);
    return { outcome, holders: holders.map(holderOf) };
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const unlisten = onAbort(signal, () => this.#end("closed"));
    try {
      // When its time is over all that it held ends by itself.
      if (this.#context.clock.now() < this.lease.usableUntil) await this.#link.ready();
      await this.#call("close", {});
    } finally {
      unlisten();
      this.#end("closed");
    }
  }

  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    this.#claims.delete(owner);
    const done = await this.#link.insist(() => this.#call("release", { owner }), signal);
    // With a session all that was held through it is gone, and that is no error. What is gone when it
    // is asked again may have been released by the request whose answer got lost.
    if (!done) return "gone";
    return done.again ? "released" : done.answer.how;
  }

  /** If the server cannot be told now, the next beat does; if that cannot, the lease ends. */
  withdraw(owner: string): void {
    this.#claims.delete(owner);
    this.#call("release", { owner }).catch(() => {});
  }

  /** What every connection begins with. */
  async #greet(): Promise<void> {
    if (this.#isOpen) return this.#renew();
    const { ttl, previous } = this.#context;
    const ask = { space: this.#space, ttl, ...(previous ? { previous } : {}) };
    await this.#call("open", ask);
    this.#isOpen = true;
  }

  /** Renews the lease, and makes good what was lost on the way. */
  async #renew(): Promise<void> {
    const before = new Map(this.#claims);
    const sentAt = this.#context.clock.now();
    const { owned } = await this.#call("beat", {});
    this.lease.renewed(sentAt);
    const standings = new Map(owned.map((standing) => [standing.owner, standing]));
    for (const [owner, claim] of before) {
      if (this.#claims.get(owner) !== claim) continue;
      const standing = standings.get(owner);
      if (standing) this.#hear(standing);
      else if (claim.granted) this.#hear({ owner, lost: "taken" });
      else void this.#ask(claim);
    }
    for (const owner of standings.keys()) if (!this.#claims.has(owner)) this.withdraw(owner);
  }

  async #ask(claim: Claim): Promise<void> {
    const { owner, name, mode, wait, info } = claim.request;
    try {
      const answer = await this.#call("acquire", { owner, name, mode, wait, info });
      if (this.#claims.get(owner) !== claim) return;
      if (!("busy" in answer)) return this.#hear(answer);
      this.#claims.delete(owner);
      claim.refuse({ busy: true, holders: answer.busy.map(holderOf) });
    } catch (error) {
      // Maybe it was done. Whoever waits is asked for again, by the next beat.
      if (wait || this.#claims.get(owner) !== claim) return;
      this.withdraw(owner);
      claim.fail(error);
    }
  }

  /** How an owner stands, said by the server asked or unasked. */
  #hear(news: Push): void {
    const claim = this.#claims.get(news.owner);
    if (!claim) return;
    if ("lost" in news) {
      // What is broken is still ours, until core gives it back.
      if (news.lost !== "broken") this.#claims.delete(news.owner);
      claim.lose(news.lost);
    } else if (news.token !== undefined) {
      claim.grant(news.token);
      if (news.broken) claim.lose("broken");
    }
  }

  #end(reason: LossReason): void {
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded({ reason });
    this.#link.close();
    for (const claim of this.#claims.values()) claim.fail(isOver());
    this.#claims.clear();
  }

  async #call<Op extends Operation>(
    op: Op,
    ask: Operations[Op]["ask"],
    signal?: AbortSignal,
  ): Promise<Operations[Op]["answer"]> {
    const answer = await this.#link.connection.call(op, ask, signal);
    if (answer) return answer;
    // The server does not have the session, although its time is not over: it was taken from us.
    this.#end("session");
    throw isOver();
  }
}

function holderOf({ since, token, ...info }: Info): HolderInfo {
  const known = token === undefined ? {} : { token: BigInt(token) };
  return { ...info, since: new Date(since), ...known };
}

function isOver(): CoordError {
  const message = "This session with the toy's server is over. Ask the next one.";
  return new CoordError("COORD_UNAVAILABLE", message);
}
