import { Claim, CoordError, Link, onAbort, startLease } from "@coord/core/driver";
import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  ClaimKeeper,
  Clock,
  Grant,
  Lease,
  LockState,
  LossReason,
  Session,
  SessionContext,
  SessionEnd,
  Timer,
  Traits,
} from "@coord/core/driver";
import { Breaking } from "./breaking.js";
import { endUnheard, factsOf, greetHolder } from "./connection/greeting.js";
import { Hearer } from "./connection/hearer.js";
import { openFirst, type Opened } from "./connection/open.js";
import { explained } from "./connection/refusals.js";
import type { Rows, Wire } from "./connection/wire.js";
import { applicationOf, endPrevious, whoHas } from "./holders.js";
import { sessionKey } from "./keys.js";
import { NamedLock, type LockKeeper } from "./locks.js";
import type { Place } from "./place.js";
import { Server } from "./server.js";

/** After how many milliseconds it is looked whether who held a lock has died: that wakes nobody. */
const recheckEvery = 50;
/** After how long connecting again is tried, in milliseconds. */
const retryAfter = 100;

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
  readonly #hearer: Link<Hearer>;
  readonly #breaking: Breaking;
  // By their key.
  readonly #locks = new Map<bigint, NamedLock>();
  readonly #claims = new Map<string, { claim: Claim; lock: NamedLock }>();
  #opened!: Opened;
  #backend = 0;
  #maxHolds = Infinity;
  #recheck: Timer | undefined;
  #resolveEnded!: (end: SessionEnd) => void;
  #isOver = false;

  /** In one try: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(place: Place, context: SessionContext): Promise<PostgresSession> {
    const session = new PostgresSession(place, context);
    try {
      await session.#open();
      return session;
    } catch (error) {
      session.#end("closed");
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
    this.server = new Server((text) => this.#run(text));
    this.#breaking = new Breaking({
      clock,
      ttl,
      channel: place.keys.channel,
      backend: () => this.#backend,
      run: (text) => this.#run(text),
    });
    this.#hearer = new Link<Hearer>({
      clock,
      within: place.within,
      retryAfter,
      make: (lost) => {
        this.#lostHearer = lost;
        return new Hearer();
      },
      greet: (hearer) => this.#openHearer(hearer),
      close: (hearer) => hearer.close(),
      // Without it, who waits still looks by itself. What was said meanwhile is lost.
      state: (state) => {
        if (state === "connected") for (const lock of this.#locks.values()) lock.wake("*");
      },
      unavailable,
    });
  }

  async beat(): Promise<void> {
    this.#pingHearer();
    await this.#run("SELECT 1");
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const claim = new Claim(request, this);
    const key = this.#place.keys.of(request.name);
    let lock = this.#locks.get(key);
    if (!lock) {
      if (this.#locks.size >= this.#maxHolds || this.#isOver) {
        claim.fail(this.#isOver ? isOver() : this.#tooMany());
        return claim.answer;
      }
      lock = new NamedLock(key, this);
      this.#locks.set(key, lock);
    }
    this.#claims.set(request.owner, { claim, lock });
    lock.want(claim);
    if (request.wait) this.#look();
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
    const unlisten = onAbort(signal, () => this.#end("closed"));
    const timer = this.#context.clock.timer(this.#place.within, () => this.#end("closed"));
    const keys = [...this.#locks.keys()];
    this.#dropLocks();
    try {
      // So that who waits need not look. When it is answered all is free.
      await this.server.giveUp(keys);
      this.#hearer.close();
      await this.#opened.wire.end();
    } catch {
      // With the connection all that it held is gone.
    } finally {
      timer.cancel();
      unlisten();
      this.#end("closed");
    }
  }

  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    const held = this.#claims.get(owner);
    if (!held) return "gone";
    await until(held.lock.release(held.claim), signal);
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

  end(error: unknown): void {
    this.#lost(error);
  }

  #lostHearer: (error: unknown) => void = () => {};

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
      lost: (error) => this.#lost(error),
    });
    const { wire } = this.#opened;
    await this.#hearer.open(signal).catch((error: unknown) => {
      throw explained(error);
    });
    await inTime(wire, clock, connectWithin, async () => {
      await greetHolder(wire, { channel: keys.channel, fencing });
      if (previous !== undefined) await endPrevious(wire, sessionKey(previous));
      await wire.run(`SELECT pg_try_advisory_lock(${sessionKey(this.id)})`);
    });
    this.#maxHolds = maxHolds ?? Math.max(1, Math.floor(room / 4));
    // However long connecting took, it is heard of from now on.
    this.lease = startLease(clock, { sentAt: clock.now(), ttl });
    await this.#run(endUnheard(ttl));
    if (this.#isOver) throw isOver();
  }

  async #openHearer(hearer: Hearer): Promise<void> {
    const { clock, memberId } = this.#context;
    const { wire, target } = this.#opened;
    const lost = this.#lostHearer;
    await hearer.open(target, this.#place.keys.channel, wire, {
      clock,
      within: this.#place.connectWithin,
      application: applicationOf(memberId),
      hear: (message) => this.#hear(message),
      lost,
    });
  }

  /** Every answer says that the server has heard of us. */
  async #run(text: string): Promise<Rows> {
    const sentAt = this.#context.clock.now();
    const rows = await this.#opened.wire.run(text);
    this.lease.renewed(sentAt);
    return rows;
  }

  #pingHearer(): void {
    const { clock } = this.#context;
    if (this.#hearer.isClosed) return;
    let hearer: Hearer;
    try {
      hearer = this.#hearer.connection;
    } catch {
      return;
    }
    const timer = clock.timer(this.#place.within, () =>
      this.#hearer.giveUp(unavailable(undefined)),
    );
    hearer.ping().then(
      () => timer.cancel(),
      () => timer.cancel(),
    );
  }

  #hear(message: string): void {
    const [word, key = "", ...rest] = message.split(" ");
    if (word === "w") this.#locks.get(BigInt(key))?.wake(rest[0] ?? "*");
    else this.#breaking.hear(message, this.#locks);
  }

  /** Looks after those who wait, for as long as there are any: one statement for all. */
  #look(): void {
    this.#recheck ??= this.#context.clock.timer(recheckEvery, () => void this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    const due = [...this.#locks.values()].flatMap((lock) => {
      lock.reconsider();
      const retry = lock.due;
      return retry ? [{ lock, retry }] : [];
    });
    if (due.length > 0) {
      const answers = this.server.retryAll(due.map(({ retry }) => retry));
      const each = due.map(({ lock }, index) =>
        lock.during(answers.then((all) => all[index] ?? 0n)),
      );
      await Promise.all(each);
    }
    this.#recheck = undefined;
    if (!this.#isOver && [...this.#claims.values()].some(({ claim }) => !claim.granted))
      this.#look();
  }

  #tooMany(): CoordError {
    return new CoordError(
      "COORD_UNAVAILABLE",
      `This coordinator holds and waits for ${this.#maxHolds} locks, which is all it may of PostgreSQL's lock table. Raise max_locks_per_transaction at the server, or max_holds in the URL.`,
    );
  }

  #lost(error: unknown): void {
    if (this.#isOver) return;
    this.#context.state("suspended");
    this.#end("session", error instanceof Error ? error : undefined);
  }

  #end(reason: LossReason, error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded({ reason, ...(error ? { error } : {}) });
    this.#recheck?.cancel();
    this.#hearer.close();
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

/** Ends the connection, and with it the work, when that takes too long. */
async function inTime(
  wire: Wire,
  clock: Clock,
  ms: number,
  work: () => Promise<void>,
): Promise<void> {
  const timer = clock.timer(ms, () => wire.destroy());
  try {
    await work();
  } finally {
    timer.cancel();
  }
}

/** Settles as `work` does, or rejects when `signal` is aborted. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(signal.reason as Error));
    work
      .then(resolve, reject)
      .finally(unlisten)
      .catch(() => {});
  });
}

function unavailable(cause: unknown): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "PostgreSQL does not answer. See whether the server runs and can be reached.",
    { cause },
  );
}

function isOver(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "This session with PostgreSQL is over. Ask the next one.",
  );
}
