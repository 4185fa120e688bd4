import { Claim, CoordError, Link, onAbort, startLease } from "@coord/core/driver";
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
import { Candidate } from "./candidate.js";
import type { Connection, Identity } from "./connection/connection.js";
import {
  codeOf,
  noAnswer,
  refusalOf,
  retryAfter,
  sessionExpired,
  shortened,
} from "./connection/failures.js";
import { hexOf } from "./connection/longs.js";
import { FollowedFolders } from "./followed.js";
import { Folders } from "./folders.js";
import { Holds } from "./holds.js";
import { Line, type Wishes } from "./line.js";
import type { Place } from "./place.js";
import { Renewal } from "./renewal.js";
import { standingsOf, stateOf } from "./standing.js";

/** Where the members of an ensemble are written down; nothing is there on a server alone. */
const configuration = "/zookeeper/config";

/**
 * A session of ZooKeeper's, over as many connections as it takes: what was made in it is there until
 * the servers end it, because it was closed or nothing was heard of it for its timeout.
 */
export class ZooKeeperSession implements Session, ClaimKeeper, Wishes {
  readonly ended: Promise<SessionEnd>;
  readonly #place: Place;
  readonly #context: SessionContext;
  readonly #link: Link<Connection>;
  readonly #folders: Folders;
  readonly #followed = new FollowedFolders();
  readonly #line: Line;
  readonly #holds: Holds;
  readonly #breaking: Breaking;
  readonly #candidates = new Map<string, Candidate>();
  readonly #wake = (candidate: Candidate): void => void this.#line.pursue(candidate);
  #identity: Identity | undefined;
  #lease: Lease | undefined;
  #renewal: Renewal | undefined;
  #resolveEnded!: (end: SessionEnd) => void;
  #isOver = false;

  /** In one try: core comes again. If it fails, or is given up meanwhile, nothing is left. */
  static async open(place: Place, context: SessionContext): Promise<ZooKeeperSession> {
    const session = new ZooKeeperSession(place, context);
    try {
      await session.#link.open(context.signal);
      return session;
    } catch (error) {
      session.#end("closed");
      throw error;
    }
  }

  private constructor(place: Place, context: SessionContext) {
    const { clock, ttl } = context;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#place = place;
    this.#context = context;
    const within = ttl / 3;
    this.#link = new Link({
      clock,
      within,
      retryAfter: Math.min(retryAfter, within),
      make: (lost) => {
        const patience = (): number => this.#link.patience;
        return place.connector.make({ clock, patience, timeout: Math.ceil(ttl), lost });
      },
      greet: (connection) => this.#greet(connection),
      close: (connection) => connection.close(),
      state: (state) => context.state(state),
      unavailable: noAnswer,
    });
    this.#folders = new Folders(this.#link, clock, { keep: place.keepParents });
    this.#line = new Line(this.#link, { all: this.#folders, followed: this.#followed }, this);
    this.#holds = new Holds(this);
    this.#breaking = new Breaking(this.#link, clock);
  }

  get id(): string {
    return hexOf(this.#identity?.id ?? 0n);
  }

  get lease(): Lease {
    if (!this.#lease) throw noAnswer(undefined);
    return this.#lease;
  }

  get traits(): Traits {
    return this.#place.traitsOf(this.lease.ttl);
  }

  get beatEvery(): number {
    return this.lease.ttl / 6;
  }

  async beat(): Promise<void> {
    await this.#link.ready();
    const { connection } = this.#link;
    await this.#renewal?.ask(connection);
    this.#tidy(connection);
  }

  acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const claim = new Claim(request, this);
    const candidate = new Candidate(claim, this.#place.paths.of(request.name), this.#wake);
    this.#candidates.set(request.owner, candidate);
    void this.#line.pursue(candidate);
    return claim.answer;
  }

  async inspect(name: string): Promise<LockState> {
    return stateOf(await standingsOf(this.#place.paths.of(name), this.#link.connection));
  }

  break(name: string, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const timeout = this.lease.ttl;
    return this.#breaking.break(this.#place.paths.of(name), options, { timeout, signal });
  }

  async close(signal: AbortSignal): Promise<void> {
    if (this.#isOver) return;
    const unlisten = onAbort(signal, () => this.#end("closed"));
    try {
      for (const candidate of this.#candidates.values()) this.#line.giveBack(candidate);
      this.#candidates.clear();
      await this.#link.finish(() => this.#giveBackAll(), this.lease, signal);
    } finally {
      unlisten();
      this.#end("closed");
    }
  }

  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    const candidate = this.#candidates.get(owner);
    if (!candidate) return "gone";
    this.#candidates.delete(owner);
    try {
      const remove = (connection: Connection) => this.#line.remove(candidate, connection);
      const done = await this.#link.insist(remove, signal);
      // With a session all that was held through it is gone, and that is no error. What is gone when it
      // is asked again may have been released by the request whose answer got lost.
      return done && (done.answer || done.again) ? "released" : "gone";
    } catch (error) {
      // Core comes again.
      this.#candidates.set(owner, candidate);
      throw error;
    }
  }

  withdraw(owner: string): void {
    const candidate = this.#candidates.get(owner);
    if (!candidate) return;
    this.#candidates.delete(owner);
    this.#line.giveBack(candidate);
  }

  has(candidate: Candidate): boolean {
    return this.#candidates.get(candidate.claim.request.owner) === candidate;
  }

  drop(candidate: Candidate): void {
    if (this.has(candidate)) this.#candidates.delete(candidate.claim.request.owner);
  }

  async #giveBackAll(): Promise<void> {
    await this.#line.giveAllBack();
    await this.#folders.removeAll();
    await this.#link.connection.end();
  }

  /** What every connection begins with. */
  async #greet(connection: Connection): Promise<void> {
    try {
      await connection.open(this.#identity);
      if (!this.#identity) await this.#begin(connection);
      else if (connection.timeout < this.lease.ttl)
        this.#end("session", shortened(connection.timeout));
      this.#renewal?.anew();
      await this.#renewal?.ask(connection);
    } catch (error) {
      // Its lease says that it is not over, so it was ended by somebody else.
      if (codeOf(error) === sessionExpired) this.#end("session");
      throw refusalOf(error) ?? error;
    }
    for (const candidate of this.#candidates.values()) this.#wake(candidate);
    this.#line.giveAllBack().catch(() => {});
  }

  /** What the first connection begins with. */
  async #begin(connection: Connection): Promise<void> {
    const { session: identity, askedAt: sentAt, timeout: ttl } = connection;
    this.#lease = startLease(this.#context.clock, { sentAt, ttl });
    this.#identity = identity;
    const { locks } = this.#place.paths;
    const seen = [connection.exists(configuration), connection.exists(locks)] as const;
    const [members, folder] = await Promise.all(seen);
    this.#renewal = new Renewal({
      clock: this.#context.clock,
      lease: this.#lease,
      isAlone: members?.dataLength === 0,
      nothing: this.#place.paths.nothing,
    });
    if (!folder) await this.#folders.make(connection, locks);
  }

  /** What has time until a beat. */
  #tidy(connection: Connection): void {
    const candidates = [...this.#candidates.values()];
    for (const candidate of candidates) {
      if (candidate.isStale && !candidate.claim.granted) this.#wake(candidate);
    }
    this.#line.giveAllBack().catch(() => {});
    void this.#holds.watch(candidates, connection);
    this.#breaking.tidy(connection);
    this.#followed.tidy();
    this.#folders.tidy(new Set(candidates.map(({ folder }) => folder)));
  }

  #end(reason: LossReason, error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Before anybody is rejected, so that whoever is asks the next session.
    this.#resolveEnded(error ? { reason, error } : { reason });
    this.#link.close();
    this.#place.connector.close();
    for (const { claim } of this.#candidates.values()) claim.fail(isOver());
    this.#candidates.clear();
  }
}

function isOver(): CoordError {
  const message = "This session with ZooKeeper is over. Ask the next one.";
  return new CoordError("COORD_UNAVAILABLE", message);
}
