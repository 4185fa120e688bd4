import { onAbort } from "../abort.js";
import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  Grant,
  Lease,
  LockState,
  Session,
  SessionContext,
  SessionEnd,
} from "../contract.js";
import { deferred, type Deferred } from "../deferred.js";
import { CoordError, type LossReason } from "../errors.js";
import { startLease } from "../lease.js";
import type { Traits } from "../traits.js";
import { GiveBacks } from "./give-backs.js";
import type { Link, Operation } from "./link.js";
import type { MemoryServer, Push } from "./server.js";

/** A request that was granted or waits to be. */
interface Claim {
  readonly granted: Deferred<bigint>;
  readonly lost: Deferred<LossReason>;
  token: bigint | undefined;
  /** Whether the server has said that it is in line. */
  inLine: boolean;
  /** Puts it in line. */
  ask(): void;
}

/** A client of the memory backend: what a driver for a backend with leases looks like. */
export class MemorySession implements Session {
  readonly id = crypto.randomUUID();
  readonly traits: Traits;
  readonly lease: Lease;
  readonly beatEvery: number;
  readonly #ended = deferred<SessionEnd>();
  readonly #server: MemoryServer;
  readonly #link: Link;
  readonly #context: SessionContext;
  /** How long one call may take, in milliseconds. */
  readonly #within: number;
  readonly #claims = new Map<string, Claim>();
  readonly #giveBacks = new GiveBacks(
    (owner) => this.#call("release", () => this.#server.release(this.id, owner)),
    () => this.#over,
  );
  #over = false;

  static async open(
    server: MemoryServer,
    link: Link,
    traits: Traits,
    context: SessionContext,
  ): Promise<MemorySession> {
    const sentAt = context.clock.now();
    const session = new MemorySession(server, link, traits, context, sentAt);
    await session.#call("open", () =>
      server.open(session.id, context.ttl, context.previous, (push) =>
        link.push(() => session.#hear(push)),
      ),
    );
    return session;
  }

  private constructor(
    server: MemoryServer,
    link: Link,
    traits: Traits,
    context: SessionContext,
    sentAt: number,
  ) {
    this.#server = server;
    this.#link = link;
    this.traits = traits;
    this.#context = context;
    this.#within = context.ttl / 3;
    this.beatEvery = context.ttl / 3;
    this.lease = startLease(context.clock, { sentAt, ttl: context.ttl });
  }

  get ended(): Promise<SessionEnd> {
    return this.#ended.promise;
  }

  /** Renews the lease; what the server owns for us makes good for news that was lost on the way. */
  async beat(): Promise<void> {
    const sentAt = this.#context.clock.now();
    // What was granted while the answer was on its way is not in it, and is not lost.
    const before = [...this.#claims].map(([owner, claim]) => {
      return { owner, claim, had: claim.token, wasInLine: claim.inLine };
    });
    const owned = await this.#call("beat", () => this.#server.beat(this.id));
    if (!owned) {
      this.#end("expired");
      return;
    }
    this.lease.renewed(sentAt);
    for (const { owner, claim, had, wasInLine } of before) {
      // Given back, or given up, meanwhile.
      if (this.#claims.get(owner) !== claim) continue;
      const token = owned.get(owner);
      if (token !== undefined) this.#granted(claim, token);
      else if (had !== undefined) this.#lose(owner, claim, "taken");
      // It was granted and taken away again, and the news of both got lost.
      else if (wasInLine && claim.inLine && !owned.has(owner)) claim.ask();
    }
    // News that came late may have ended what had been asked for again since.
    for (const owner of owned.keys()) if (!this.#claims.has(owner)) this.#withdraw(owner);
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const { owner, signal } = request;
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        // A beat may have brought the grant before.
        if (claim.token !== undefined) return;
        unlisten();
        reject(reason);
        this.#withdraw(owner);
      };
      const ask = (): void => {
        claim.inLine = false;
        this.#ask(request, claim).then((busy) => {
          if (!busy) return;
          unlisten();
          this.#claims.delete(owner);
          resolve(busy);
        }, giveUp);
      };
      const [granted, lost] = [deferred<bigint>(), deferred<LossReason>()];
      const claim: Claim = { granted, lost, token: undefined, inLine: false, ask };
      this.#claims.set(owner, claim);
      const unlisten = onAbort(signal, () => giveUp(signal.reason));
      void claim.granted.promise.then((token) => {
        unlisten();
        resolve(this.#grant(owner, claim, token));
      });
      ask();
    });
  }

  inspect(name: string): Promise<LockState> {
    return this.#call("inspect", () => this.#server.inspect(name));
  }

  /** Asks until there is an answer, always as the same: a holder may take as long as its lease. */
  async break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const id = crypto.randomUUID();
    while (!signal.aborted && !this.#over) {
      try {
        const result = await this.#call("break", () =>
          this.#server.break(this.id, id, name, options),
        );
        if (result) return result;
        this.#end("expired");
      } catch {
        // No answer: once more.
      }
    }
    throw sessionEnded();
  }

  async close(signal: AbortSignal): Promise<void> {
    const given = deferred<void>();
    const unlisten = onAbort(signal, () => given.resolve());
    const closing = this.#call("close", () => this.#server.end(this.id, "closed"));
    await Promise.race([Promise.allSettled([closing, this.#giveBacks.settled()]), given.promise]);
    unlisten();
    this.#end("closed");
  }

  /** Asks as the same owner until there is an answer: what was lost on the way may have been done. */
  async #ask(request: AcquireRequest, claim: Claim): Promise<Busy | undefined> {
    // A beat may have brought the grant meanwhile, and it may have been given back since.
    while (claim.token === undefined && !request.signal.aborted && !this.#over) {
      try {
        const answer = await this.#call("acquire", () => this.#server.acquire(this.id, request));
        if (answer === "no session") break;
        if (answer === "queued") {
          claim.inLine = true;
          return undefined;
        }
        if ("holders" in answer) return { busy: true, holders: answer.holders };
        this.#granted(claim, answer.token);
        return undefined;
      } catch (error) {
        // What was granted meanwhile, by news or by a beat, may even be over: asked again it would
        // be granted once more, to nobody.
        if (claim.token !== undefined) return undefined;
        if (!request.wait) throw error;
      }
    }
    if (claim.token !== undefined || request.signal.aborted) return undefined;
    this.#end("expired");
    throw sessionEnded();
  }

  #granted(claim: Claim, token: bigint): void {
    claim.token = token;
    claim.granted.resolve(token);
  }

  #grant(owner: string, claim: Claim, token: bigint): Grant {
    return {
      token,
      lease: this.lease,
      lost: claim.lost.promise,
      release: (signal) => {
        this.#claims.delete(owner);
        return this.#giveBacks.release(owner, signal);
      },
    };
  }

  #withdraw(owner: string): void {
    this.#claims.delete(owner);
    this.#giveBacks.withdraw(owner);
  }

  #hear(push: Push): void {
    if (push.kind === "ended") {
      this.#end(push.reason);
      return;
    }
    const claim = this.#claims.get(push.owner);
    if (!claim) return;
    if (push.kind === "granted") this.#granted(claim, push.token);
    // News of a grant that we were not told of is not about the one that we ask for again.
    else if (claim.token !== undefined) this.#lose(push.owner, claim, push.reason);
  }

  #lose(owner: string, claim: Claim, reason: LossReason): void {
    // What is broken is still ours, until core gives it back.
    if (reason !== "broken") this.#claims.delete(owner);
    claim.lost.resolve(reason);
  }

  #end(reason: LossReason): void {
    this.#over = true;
    this.#ended.resolve({ reason });
  }

  #call<T>(operation: Operation, request: () => T | Promise<T>): Promise<T> {
    return this.#link.call(operation, this.#within, request);
  }
}

function sessionEnded(): CoordError {
  return new CoordError("COORD_UNAVAILABLE", "The session has ended. Open another.");
}
