import { onAbort } from "./abort.js";
import { backoff } from "./backoff.js";
import { Beats } from "./beats.js";
import type { Driver, Session, SessionEnd } from "./contract.js";
import { deferred } from "./deferred.js";
import { messageOf, type CoordError, type LossReason } from "./errors.js";
import { LeaseWatch } from "./lease-watch.js";
import { Sessions, stoppedWhileOpening } from "./sessions.js";
import type { Settings } from "./settings.js";
import type { Traits } from "./traits.js";
import type { BackendUrl } from "./url.js";

/** What a connection tells its coordinator. */
export interface ConnectionEvents {
  state(state: "connected" | "suspended" | "lost"): void;
  /** The session is over, and with it all that was held through it. */
  ended(reason: LossReason): void;
}

/** A session, and whether its backend has stopped answering. */
interface Tie {
  session: Session | undefined;
  /** The driver says so. */
  cut: boolean;
  /** The last heartbeat was not answered. */
  silent: boolean;
}

const noTie: Tie = { session: undefined, cut: false, silent: false };

/**
 * A coordinator's tie to its backend: one session at a time, kept alive by beats. When a session
 * ends it opens the next, after longer and longer delays, until it is closed.
 */
export class Connection {
  readonly #sessions: Sessions;
  readonly #settings: Settings;
  readonly #events: ConnectionEvents;
  readonly #closing = new AbortController();
  readonly #leases: LeaseWatch;
  #tie: Tie = noTie;
  #beats: Beats | undefined;
  readonly #waiting = new Set<() => void>();
  /** Sessions that are being closed. */
  readonly #closings = new Set<Promise<void>>();
  #last: Session | undefined;
  #delays: Iterator<number, never>;
  #openedAt = 0;
  #failure: unknown;

  constructor(driver: Driver, url: BackendUrl, settings: Settings, events: ConnectionEvents) {
    this.#sessions = new Sessions(driver, url, settings);
    this.#settings = settings;
    this.#events = events;
    this.#delays = this.#newDelays();
    this.#leases = new LeaseWatch(settings.clock, () =>
      this.#over(this.#tie, { reason: "expired" }),
    );
  }

  /** What messages call the backend. */
  get backend(): string {
    return this.#sessions.backend;
  }

  /** What the session promises, or the last one did; undefined before there was one. */
  get traits(): Traits | undefined {
    return this.#last?.traits;
  }

  /** The session, while it is there and its backend answers. */
  get session(): Session | undefined {
    this.check();
    const { session, cut, silent } = this.#tie;
    return cut || silent ? undefined : session;
  }

  /** Ends the session if its time has run out, although no timer has had its turn yet. */
  check(): void {
    const { session } = this.#tie;
    if (session && this.#settings.clock.now() >= session.lease.usableUntil) {
      this.#over(this.#tie, { reason: "expired" });
    }
  }

  /** Whether the session has not ended, answering or not: what it granted is held. */
  has(session: Session): boolean {
    return this.#tie.session === session;
  }

  /** Calls `callback` once when `session` is there again; the function it gives takes that back. */
  onAvailable(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** The error for whoever cannot wait until `session` is there. */
  unavailable(): CoordError {
    return this.#sessions.unavailable(this.#failure);
  }

  /** Opens the first session; rejects when that fails. */
  async open(): Promise<void> {
    await this.#open(undefined);
  }

  /** Closes the session, giving back all that is held, and waits for what is closed already, in bounded time. */
  async close(): Promise<void> {
    this.#closing.abort();
    const session = this.#drop();
    if (session) this.#end(session);
    await Promise.all(this.#closings);
  }

  /** The session is over, by its own word or because its time ran out: another is opened. */
  #over(tie: Tie, { reason, error }: SessionEnd): void {
    if (tie !== this.#tie) return;
    const session = this.#drop();
    if (!session) return;
    this.#failure = error;
    const why = error ? `${reason}: ${messageOf(error)}` : `${reason}.`;
    this.#settings.log.warn(
      `The session with the ${this.backend} backend ended, ${why} What was held is lost; a new session is being opened.`,
    );
    this.#events.state("lost");
    this.#events.ended(reason);
    // Nothing of it may go on: what it still gets granted would be held by nobody.
    this.#end(session);
    void this.#reopen(session.id);
  }

  #end(session: Session): void {
    const closing = this.#sessions.close(session);
    this.#closings.add(closing);
    void closing.finally(() => this.#closings.delete(closing));
  }

  #drop(): Session | undefined {
    const { session } = this.#tie;
    this.#beats?.stop();
    this.#tie = noTie;
    if (session) this.#leases.remove(session.lease);
    return session;
  }

  async #reopen(previous: string): Promise<void> {
    const { log, clock, ttl } = this.#settings;
    // A backend that answers and at once fails again must not be asked all the time.
    if (clock.now() - this.#openedAt >= ttl) this.#delays = this.#newDelays();
    for (;;) {
      await this.#sleep(this.#delays.next().value);
      if (this.#closing.signal.aborted) return;
      try {
        await this.#open(previous);
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#failure = error;
        log.warn(
          `Opening a session with the ${this.backend} backend failed: ${messageOf(error)} It is tried again.`,
        );
      }
    }
  }

  async #open(previous: string | undefined): Promise<void> {
    const tie: Tie = { session: undefined, cut: false, silent: false };
    const session = await this.#sessions.open(previous, this.#closing.signal, (state) =>
      this.#heard(tie, { cut: state === "suspended" }),
    );
    if (this.#closing.signal.aborted) {
      this.#end(session);
      throw stoppedWhileOpening();
    }
    tie.session = session;
    this.#tie = tie;
    this.#last = session;
    this.#failure = undefined;
    this.#openedAt = this.#settings.clock.now();
    this.#leases.add(session.lease);
    this.#beats = new Beats(session, this.#settings, this.#settings, (answered) =>
      this.#heard(tie, { silent: !answered }),
    );
    void session.ended.then((end) => this.#over(tie, end));
    this.#events.state(tie.cut ? "suspended" : "connected");
    if (!tie.cut) this.#wake();
  }

  #heard(tie: Tie, news: Partial<Pick<Tie, "cut" | "silent">>): void {
    const before = tie.cut || tie.silent;
    Object.assign(tie, news);
    const now = tie.cut || tie.silent;
    if (tie !== this.#tie || now === before) return;
    this.#events.state(now ? "suspended" : "connected");
    if (!now) this.#wake();
  }

  #wake(): void {
    for (const callback of this.#waiting) callback();
    this.#waiting.clear();
  }

  #newDelays(): Iterator<number, never> {
    const { initialReconnectBackoff, maxReconnectBackoff } = this.#settings;
    return backoff(initialReconnectBackoff, maxReconnectBackoff);
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = deferred<void>();
    const timer = this.#settings.clock.timer(ms, resolve);
    const unlisten = onAbort(this.#closing.signal, resolve);
    return promise.finally(() => {
      timer.cancel();
      unlisten();
    });
  }
}
