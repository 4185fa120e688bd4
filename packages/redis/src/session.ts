import { Claim, Link, onAbort, startLease } from "@coord/core/driver";
import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  ClaimKeeper,
  Grant,
  Lease,
  LockState,
  LossReason,
  Session,
  SessionContext,
  SessionEnd,
  Traits,
} from "@coord/core/driver";
import { Asking } from "./asking.js";
import { breakLock } from "./breaking.js";
import { readInfo } from "./checks.js";
import type { Connections } from "./connection/connect.js";
import { noAnswer, retryAfter, sessionOver } from "./connection/failures.js";
import { Givebacks } from "./givebacks.js";
import { infoOf } from "./holders.js";
import { Owners } from "./owners.js";
import type { Place } from "./place.js";
import { Restarts } from "./restarts.js";
import { Server, type Letter } from "./server.js";

/**
 * What one coordinator holds and waits for on a server. There is nothing of the session at the server
 * but that: each hold expires by itself unless a beat renews it, and the session's lease is what can
 * be relied on of all of them.
 */
export class RedisSession implements Session, ClaimKeeper {
  readonly id = crypto.randomUUID();
  readonly traits: Traits;
  lease: Lease;
  readonly beatEvery: number;
  readonly ended: Promise<SessionEnd>;
  readonly #context: SessionContext;
  readonly #link: Link<Connections>;
  readonly #owners: Owners;
  readonly #server: Server;
  readonly #givebacks: Givebacks;
  readonly #restarts: Restarts;
  readonly #asking: Asking;
  readonly #claims = new Map<string, Claim>();
  readonly #warned = new Set<string>();
  // Those who wait for news of what others give back.
  readonly #breaking = new Set<(owner: string) => void>();
  #resolveEnded!: (end: SessionEnd) => void;
  #isGreeted = false;
  #isOver = false;

  /** In one try: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(place: Place, context: SessionContext): Promise<RedisSession> {
    const session = new RedisSession(place, context);
    await session.#link.open(context.signal);
    return session;
  }

  private constructor(place: Place, context: SessionContext) {
    const { clock, ttl, info, previous } = context;
    const { connect, keys, within, connectWithin } = place;
    this.traits = place.traits;
    this.lease = startLease(clock, { sentAt: clock.now(), ttl });
    // Often enough that one may get lost, and that another connection may be needed.
    this.beatEvery = ttl / 4;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#context = context;
    this.#restarts = new Restarts(clock, place.restartDelay ? ttl : undefined);
    const hear = (message: string): void => this.#hear(message);
    this.#link = new Link({
      clock,
      within,
      retryAfter,
      make: (lost) => {
        this.#restarts.connecting();
        const patience = (): number => this.#link.patience;
        return connect({ clock, within, patience, connectWithin, hear, lost });
      },
      greet: (connections) => this.#greet(connections, keys.channels + this.id),
      close: (connections) => connections.close(),
      state: (state) => context.state(state),
      unavailable: noAnswer,
    });
    this.#owners = new Owners(clock, { session: this.id, previous, ttl });
    this.#server = new Server(this.#link, keys, this.#owners, { session: this.id, ttl, info });
    this.#givebacks = new Givebacks(this.#link, this.#server);
    this.#asking = new Asking(clock, this.#server, this.#restarts, {
      claims: this.#claims,
      withdraw: (owner) => this.withdraw(owner),
    });
  }

  async beat(): Promise<void> {
    await this.#link.ready();
    await this.#renew();
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    // Asked first: the rest is done while the server is at it.
    const asked = this.#asking.begin(request);
    const claim = new Claim(request, this);
    this.#claims.set(request.owner, claim);
    void this.#asking.ask(claim, asked);
    return claim.answer;
  }

  async inspect(name: string): Promise<LockState> {
    const [holders, waiters] = await this.#server.inspect(name);
    return { holders: holders.map(infoOf), waiters: waiters.map(infoOf) };
  }

  break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const { clock } = this.#context;
    const tools = { server: this.#server, clock, given: this.#breaking };
    return breakLock(tools, { name, options, signal });
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const unlisten = onAbort(signal, () => this.#end("closed"));
    // When the lease is over, what is being released ends by itself.
    const isOver = (): boolean => this.#context.clock.now() >= this.lease.usableUntil;
    const giveBack = (): Promise<void> =>
      isOver() ? this.#givebacks.again() : this.#givebacks.all();
    try {
      for (const { request } of this.#claims.values()) this.#givebacks.add(request);
      this.#claims.clear();
      await this.#link.finish(giveBack, this.lease, signal);
    } finally {
      unlisten();
      this.#end("closed");
    }
  }

  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    const claim = this.#claims.get(owner);
    if (!claim) return "gone";
    this.#claims.delete(owner);
    try {
      return await this.#givebacks.release(claim.request, signal);
    } catch (error) {
      // Core comes again.
      this.#claims.set(owner, claim);
      throw error;
    }
  }

  withdraw(owner: string): void {
    const claim = this.#claims.get(owner);
    if (!claim) return;
    this.#claims.delete(owner);
    this.#asking.forget(owner);
    this.#givebacks.add(claim.request);
  }

  /** What all connections begin with. */
  async #greet(connections: Connections, channel: string): Promise<void> {
    await connections.open(channel);
    const info = readInfo(await this.#server.info(), (message) => this.#warn(message));
    this.#restarts.met(info);
    if (!this.#isGreeted) {
      // However long connecting took, the lease begins with what is asked now.
      const { clock, ttl } = this.#context;
      this.lease = startLease(clock, { sentAt: clock.now(), ttl });
      this.#isGreeted = true;
    }
    await this.#renew();
  }

  /** A server that is connected to again and again is warned of once. */
  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#context.log.warn(message);
  }

  /** Renews the lease, and makes good what was lost on the way. */
  async #renew(): Promise<void> {
    const claims = [...this.#claims.values()];
    const requests = claims.map(({ request }) => request);
    const granted = claims.map((claim) => claim.granted);
    const sentAt = this.#context.clock.now();
    const [letters] = await Promise.all([this.#server.renew(requests), this.#givebacks.again()]);
    this.lease.renewed(sentAt);
    claims.forEach((claim, index) => {
      // One that was granted meanwhile may have been asked for after the server was asked how it stands.
      if (granted[index] === claim.granted) this.#stands(claim, letters[index]);
    });
  }

  #stands(claim: Claim, letter: Letter | undefined): void {
    // Given back or asked again meanwhile: what is said of it is old.
    if (!this.#has(claim) || this.#asking.has(claim)) return;
    if (claim.granted) {
      if (letter === "b") claim.lose("broken");
      if (letter === "g") this.#lost(claim, "taken");
    } else if (letter === "n") {
      this.#asking.becameNext(claim);
    } else if (letter !== "w") {
      void this.#asking.ask(claim);
    }
  }

  #has(claim: Claim): boolean {
    return this.#claims.get(claim.request.owner) === claim;
  }

  #hear(message: string): void {
    const [word, name = ""] = message.split(" ");
    if (word === "given") for (const told of this.#breaking) told(name);
    const claim = this.#claims.get(this.#owners.ownerOf(name) ?? "");
    if (!claim) return;
    if (word === "claim") {
      // Also where an older question is still unanswered: that was asked before the claim.
      this.#asking.askAgain(claim);
    }
    if (word === "asked") claim.lose("broken");
    // One whose grant we have yet to hear of is asked for again.
    if (word === "broken" && claim.granted) this.#lost(claim, "broken");
    else if (word === "broken") void this.#asking.ask(claim);
  }

  #lost(claim: Claim, reason: LossReason): void {
    this.#claims.delete(claim.request.owner);
    claim.lose(reason);
  }

  #end(reason: LossReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded({ reason });
    this.#asking.stop();
    this.#link.close();
    for (const claim of this.#claims.values()) claim.fail(sessionOver());
    this.#claims.clear();
  }
}
