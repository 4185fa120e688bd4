import { Link, onAbort, startLease } from "@coord/core/driver";
import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  Grant,
  Lease,
  LockState,
  LossReason,
  Session,
  SessionContext,
  SessionEnd,
  Traits,
} from "@coord/core/driver";
import { breakLock } from "./breaking.js";
import { Connection, Endpoints } from "./connection/connection.js";
import { isLeaseGone, isRefusal, over, unavailable, unlessGone } from "./connection/failures.js";
import { farewell } from "./connection/farewell.js";
import { newLease } from "./connection/lease.js";
import { Givebacks } from "./givebacks.js";
import { holdersOf, infoOf } from "./holders.js";
import type { Place } from "./place.js";
import { Queue } from "./queue.js";
import { Rechecks } from "./rechecks.js";
import { Seats } from "./seats.js";
import { traitsOf } from "./traits.js";
import { Turn, type TurnKeeper } from "./turn.js";
import { Unwatched } from "./unwatched.js";

/** How long to wait before connecting is tried again, in milliseconds. */
const retryAfter = 100;

/** What one coordinator holds and waits for: a lease, to which all of its keys belong. */
export class EtcdSession implements Session, TurnKeeper {
  readonly id: string;
  readonly ended: Promise<SessionEnd>;
  readonly queue: Queue;
  readonly #place: Place;
  readonly #context: SessionContext;
  readonly #link: Link<Connection>;
  readonly #givebacks: Givebacks;
  readonly #turns = new Map<string, Turn>();
  readonly #seats = new Seats();
  readonly #unwatched: Unwatched;
  readonly #rechecks: Rechecks;
  #lease: Lease | undefined;
  #resolveEnded!: (end: SessionEnd) => void;
  #isOver = false;

  /** In one try, of each member: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(place: Place, context: SessionContext): Promise<EtcdSession> {
    const session = new EtcdSession(place, context);
    await session.#link.open(context.signal);
    return session;
  }

  private constructor(place: Place, context: SessionContext) {
    const { clock } = context;
    this.id = newLease();
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#place = place;
    this.#context = context;
    const endpoints = new Endpoints();
    this.#link = new Link({
      clock,
      within: place.within,
      retryAfter,
      make: (lost) => new Connection({ ...place, endpoints, clock, lost }),
      greet: (connection) => connection.open(() => this.#greet(connection)),
      close: (connection) => connection.close(),
      state: (state) => context.state(state),
      unavailable,
    });
    this.queue = new Queue(place.keys, this.#link, { lease: this.id, now: () => clock.wall() });
    this.#givebacks = new Givebacks(this.#link, this.queue, (turn) =>
      this.#seats.free(turn.request.name, turn.seat),
    );
    this.#unwatched = new Unwatched(clock);
    this.#rechecks = new Rechecks(clock);
  }

  get lease(): Lease {
    if (!this.#lease) throw unavailable(undefined);
    return this.#lease;
  }

  get traits(): Traits {
    return traitsOf(this.lease.ttl);
  }

  /** Often enough that one may get lost, and that another connection may be needed. */
  get beatEvery(): number {
    return this.lease.ttl / 4;
  }

  get connection(): Connection {
    return this.#link.connection;
  }

  async beat(): Promise<void> {
    await this.#link.ready();
    const { connection } = this.#link;
    await Promise.all([this.#renew(connection), this.#givebacks.again()]);
    const { deletions, watches } = connection;
    deletions.rest();
    if (this.#turns.size === 0) watches.rest();
    if (watches.overdue > this.#place.within) this.#link.giveUp(new Error("etcd watches nothing."));
    this.#rechecks.beat(this.#turns.values());
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const seat = this.#seats.take(request.name);
    const spot = this.#place.keys.spot(request, `${this.id}-${seat}`);
    const turn = new Turn(request, { spot, seat }, this);
    this.#turns.set(request.owner, turn);
    turn.ask();
    return turn.claim.answer;
  }

  async inspect(name: string): Promise<LockState> {
    const entries = await this.queue.all(name);
    const holders = holdersOf(entries);
    const waiters = entries.slice(holders.length);
    return { holders: holders.map(infoOf), waiters: waiters.map(({ info }) => info) };
  }

  break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const { clock } = this.#context;
    return breakLock({ clock, link: this.#link, queue: this.queue }, { name, options, signal });
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const unlisten = onAbort(signal, () => this.#end("closed"));
    try {
      for (const turn of this.#turns.values()) turn.end();
      this.#turns.clear();
      await this.#revoke();
    } finally {
      this.#end("closed");
      await farewell(this.#context.clock, signal);
      unlisten();
    }
  }

  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    const turn = this.#turns.get(owner);
    if (!turn) return "gone";
    this.#leave(turn);
    try {
      const outcome = await this.#givebacks.release(turn, signal);
      this.#seats.free(turn.request.name, turn.seat);
      return outcome;
    } catch (error) {
      // Core comes again.
      this.#turns.set(owner, turn);
      throw error;
    }
  }

  withdraw(owner: string): void {
    const turn = this.#turns.get(owner);
    if (!turn) return;
    this.#leave(turn);
    this.#givebacks.add(turn);
  }

  gone(turn: Turn): void {
    this.#leave(turn);
    this.#seats.free(turn.request.name, turn.seat);
  }

  entered(turn: Turn): void {
    this.#unwatched.add(turn);
  }

  failed(turn: Turn, error: unknown): void {
    if (isLeaseGone(error)) return this.#end("session", error);
    // Maybe it was done. Who waits or holds asks again, on the next connection or by the next beat.
    const { claim, request } = turn;
    if (claim.granted || (request.wait && !isRefusal(error))) return this.#rechecks.failed(turn);
    this.withdraw(request.owner);
    claim.fail(error);
  }

  superseded(): void {
    this.#link.giveUp(new Error("A newer connection of this session was at the server before."));
  }

  /** It is not wanted, or not there, any more. */
  #leave(turn: Turn): void {
    this.#turns.delete(turn.request.owner);
    this.#unwatched.delete(turn);
    this.#rechecks.delete(turn);
    turn.end();
  }

  /** What every connection begins with. */
  async #greet(connection: Connection): Promise<void> {
    const { clock, ttl, previous } = this.#context;
    if (this.#lease) {
      await Promise.all([this.#renew(connection), this.queue.begin(connection)]);
    } else {
      if (previous !== undefined) await connection.revoke(previous).catch(unlessGone);
      const sentAt = clock.now();
      const granted = await connection.grant(this.id, ttl);
      this.#lease = startLease(clock, { sentAt, ttl: granted });
      await this.queue.begin(connection);
    }
    this.#givebacks.again().catch(() => {});
    for (const turn of this.#turns.values()) turn.anew();
    // Where that fails, by the next connection.
    const keys = (): Promise<readonly Buffer[]> => connection.keysOf(this.id);
    this.#rechecks.anew(this.#turns.values(), keys).catch(() => {});
  }

  async #renew(connection: Connection): Promise<void> {
    const sentAt = this.#context.clock.now();
    const ttl = await connection.keepAlive(this.id);
    if (ttl > 0) this.lease.renewed(sentAt, ttl);
    else this.#end("session");
  }

  /** By another connection if this one breaks, but not for long: without us it ends by itself. */
  async #revoke(): Promise<void> {
    for (let left = 2; ; left--) {
      // One that is over for us is so for the server in a moment.
      if (this.#context.clock.now() < this.lease.usableUntil) await this.#link.ready();
      try {
        await this.#link.connection.revoke(this.id).catch(unlessGone);
        return;
      } catch (error) {
        if (left <= 1) throw error;
      }
    }
  }

  #end(reason: LossReason, error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded(error instanceof Error ? { reason, error } : { reason });
    this.#unwatched.stop();
    this.#link.close();
    for (const turn of this.#turns.values()) {
      turn.end();
      turn.claim.fail(over());
    }
    this.#turns.clear();
  }
}
