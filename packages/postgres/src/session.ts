import { Claim, onAbort, startLease } from "@coord/core/driver";
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
import { Breaking } from "./breaking.js";
import { endUnheard, factsOf, greetHolder } from "./connection/greeting.js";
import { openFirst, type Opened } from "./connection/open.js";
import { explained } from "./connection/refusals.js";
import type { Rows } from "./connection/request.js";
import type { Wire } from "./connection/wire.js";
import { Hearing } from "./hearing.js";
import { applicationOf, endPrevious, whoHas } from "./holders.js";
import { sessionKey } from "./keys.js";
import { NamedLock, type LockKeeper } from "./locks.js";
import { messageIn } from "./messages.js";
import type { Place } from "./place.js";
import { isOver, tooMany } from "./refused.js";
import { Rechecks } from "./rechecks.js";
import { Server } from "./server.js";
import { inTime, until } from "./within.js";

/**
 * What one coordinator holds and waits for: locks of one session of the server, by one connection. When
 * that ends, all of them are free. A second connection hears when others give something back.
 */
export class PostgresSession implements Session, ClaimKeeper, LockKeeper {
  readonly id = crypto.randomUUID();
  readonly traits: Traits;
  lease: Lease;
  readonly beatEvery: number;
  readonly ended: Promise<SessionEnd>;
  readonly server: Server;
  readonly #context: SessionContext;
  readonly #place: Place;
  readonly #hearing: Hearing;
  readonly #breaking: Breaking;
  readonly #rechecks: Rechecks;
  // By their key.
  readonly #locks = new Map<bigint, NamedLock>();
  readonly #claims = new Map<string, { claim: Claim; lock: NamedLock }>();
  #opened!: Opened;
  #backend = 0;
  #maxHolds = Infinity;
  #resolveEnded!: (end: SessionEnd) => void;
  #isOver = false;

  /** In one try: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(place: Place, context: SessionContext): Promise<PostgresSession> {
    const session = new PostgresSession(place, context);
    try {
      await session.#open();
      return session;
    } catch (error) {
      session.#finish("closed");
      throw error;
    }
  }

  private constructor(place: Place, context: SessionContext) {
    const { clock, ttl } = context;
    this.traits = place.traits;
    this.lease = startLease(clock, { sentAt: clock.now(), ttl });
    this.beatEvery = ttl / 4;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#context = context;
    this.#place = place;
    this.server = new Server({
      run: (text) => this.#run(text),
      call: (call) => this.#heard((wire) => wire.call(call)),
    });
    this.#rechecks = new Rechecks(clock, this.server, () => this.#locks.values());
    this.#breaking = new Breaking({
      clock,
      ttl,
      channel: place.keys.channel,
      backend: () => this.#backend,
      run: (text) => this.#run(text),
    });
    this.#hearing = new Hearing({
      clock,
      within: place.within,
      connectWithin: place.connectWithin,
      application: applicationOf(context.memberId),
      channel: place.keys.channel,
      holder: () => this.#opened,
      hear: (message) => this.#hear(message),
      missed: () => {
        for (const lock of this.#locks.values()) lock.wake("*");
      },
      refused: (error) => this.end(error),
    });
  }

  async beat(): Promise<void> {
    this.#hearing.ping();
    await this.#run("SELECT 1");
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const claim = new Claim(request, this);
    const key = this.#place.keys.of(request.name);
    let lock = this.#locks.get(key);
    if (!lock) {
      if (this.#locks.size >= this.#maxHolds || this.#isOver) {
        claim.fail(this.#isOver ? isOver() : tooMany(this.#maxHolds));
        return claim.answer;
      }
      lock = new NamedLock(key, this);
      this.#locks.set(key, lock);
    }
    this.#claims.set(request.owner, { claim, lock });
    lock.want(claim);
    if (request.wait) this.#rechecks.start();
    return claim.answer;
  }

  async inspect(name: string, signal: AbortSignal): Promise<LockState> {
    return until(
      whoHas(this.#place.keys.of(name), (text) => this.#run(text)),
      signal,
    );
  }

  break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    return until(this.#breaking.break(this.#place.keys.of(name), options, signal), signal);
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const unlisten = onAbort(signal, () => this.#finish("closed"));
    const timer = this.#context.clock.timer(this.#place.within, () => this.#finish("closed"));
    const keys = [...this.#locks.keys()];
    this.#dropLocks();
    try {
      // So that who waits need not look. When it is answered all is free.
      await this.server.giveUp(keys);
      this.#hearing.close();
      await this.#opened.wire.end();
    } catch {
      // With the connection all that it held is gone.
    } finally {
      timer.cancel();
      unlisten();
      this.#finish("closed");
    }
  }

  async release(owner: string): Promise<"released" | "gone"> {
    const held = this.#claims.get(owner);
    if (!held) return "gone";
    await held.lock.release(held.claim);
    if (this.#isOver) return "gone";
    this.#claims.delete(owner);
    return "released";
  }

  withdraw(owner: string): void {
    const wanted = this.#claims.get(owner);
    this.#claims.delete(owner);
    wanted?.lock.withdraw(wanted.claim);
  }

  forget(lock: NamedLock): void {
    this.#locks.delete(lock.key);
  }

  drop(claim: Claim): void {
    const { owner } = claim.request;
    // It may have been asked for again as the same.
    if (this.#claims.get(owner)?.claim === claim) this.#claims.delete(owner);
  }

  async #open(): Promise<void> {
    const { clock, ttl, memberId, signal, previous } = this.#context;
    const { targets, keys, fencing, connectWithin, maxHolds } = this.#place;
    let room = 0;
    this.#opened = await openFirst(targets, {
      clock,
      within: connectWithin,
      signal,
      application: applicationOf(memberId),
      greet: async (holder) => {
        ({ room, backend: this.#backend } = await factsOf(holder));
      },
      lost: (error) => this.end(error),
    });
    const { wire } = this.#opened;
    await this.#hearing.open(signal).catch((error: unknown) => {
      throw explained(error);
    });
    await inTime(wire, { clock, ms: connectWithin }, async () => {
      const home = await greetHolder(wire, { keys, fencing });
      if (home !== undefined) await this.#hearing.listen(`${keys.channel}_${home}`);
      if (previous !== undefined) await endPrevious(wire, sessionKey(previous));
      await wire.run(`SELECT pg_try_advisory_lock(${sessionKey(this.id)})`);
    });
    this.#maxHolds = maxHolds ?? Math.max(1, Math.floor(room / 4));
    // However long connecting took, it is heard of from now on.
    this.lease = startLease(clock, { sentAt: clock.now(), ttl });
    await this.#run(endUnheard(ttl));
    if (this.#isOver) throw isOver();
  }

  #run(text: string): Promise<Rows> {
    return this.#heard((wire) => wire.run(text));
  }

  /** Every answer says that the server has heard of us. */
  async #heard(ask: (wire: Wire) => Promise<Rows>): Promise<Rows> {
    const sentAt = this.#context.clock.now();
    const rows = await ask(this.#opened.wire);
    this.lease.renewed(sentAt);
    return rows;
  }

  #hear(text: string): void {
    const message = messageIn(text);
    if (message?.kind === "wake") this.#locks.get(message.key)?.wake(message.whom);
    else if (message) this.#breaking.hear(message, this.#locks);
  }

  /** The connection of the locks is over, and all that it held with it. */
  end(error: unknown): void {
    if (this.#isOver) return;
    this.#context.state("suspended");
    this.#finish("session", error instanceof Error ? error : undefined);
  }

  #finish(reason: LossReason, error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded({ reason, ...(error ? { error } : {}) });
    this.#rechecks.stop();
    this.#hearing.close();
    this.#opened?.wire.destroy();
    this.#breaking.close();
    this.#dropLocks();
  }

  #dropLocks(): void {
    for (const lock of this.#locks.values()) lock.over(isOver());
    this.#locks.clear();
    this.#claims.clear();
  }
}
