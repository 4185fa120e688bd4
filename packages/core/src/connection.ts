import { onAbort } from "./abort.js";
import { backoff } from "./backoff.js";
import { Beats } from "./beats.js";
import type { Driver, Session, SessionEnd } from "./contract.js";
import { cleanUpWithin, withDeadline } from "./deadline.js";
import { deferred } from "./deferred.js";
import { CoordError, messageOf, type LossReason } from "./errors.js";
import type { Settings } from "./settings.js";
import { unmetTraits, type Traits } from "./traits.js";
import type { BackendUrl } from "./url.js";

/** What a connection tells its coordinator. */
export interface ConnectionEvents {
  state(state: "connected" | "suspended" | "lost"): void;
  /** The session is over, and with it all that was held through it. */
  ended(reason: LossReason): void;
}

/** A session and whether its backend has stopped answering. */
interface Tie {
  session: Session | undefined;
  suspended: boolean;
}

/**
 * A coordinator's tie to its backend: one session at a time, kept alive by beats. When a session
 * ends it opens the next, after longer and longer delays, until it is closed.
 */
export class Connection {
  /** What messages call the backend. */
  readonly backend: string;
  readonly #driver: Driver;
  readonly #url: BackendUrl;
  readonly #settings: Settings;
  readonly #events: ConnectionEvents;
  readonly #closing = new AbortController();
  #tie: Tie = { session: undefined, suspended: false };
  #beats: Beats | undefined;
  #available = deferred<void>();
  #failure: unknown;

  constructor(driver: Driver, url: BackendUrl, settings: Settings, events: ConnectionEvents) {
    this.backend = driver.name;
    this.#driver = driver;
    this.#url = url;
    this.#settings = settings;
    this.#events = events;
  }

  /** What the session promises; undefined while there is none. */
  get traits(): Traits | undefined {
    return this.#tie.session?.traits;
  }

  /** The session, while it is there and its backend answers. */
  get session(): Session | undefined {
    return this.#tie.suspended ? undefined : this.#tie.session;
  }

  /** Whether the session has not ended, answering or not: what it granted is held. */
  has(session: Session): boolean {
    return this.#tie.session === session;
  }

  /** Resolves when `session` is there. */
  available(): Promise<void> {
    return this.session ? Promise.resolve() : this.#available.promise;
  }

  /** The error for whoever cannot wait until `session` is there. */
  unavailable(): CoordError {
    return new CoordError(
      "COORD_UNAVAILABLE",
      `The ${this.backend} backend at ${this.#url.toString()} cannot be reached. Wait for it with { timeout }, or see whether it runs.`,
      { cause: this.#failure },
    );
  }

  /** Opens the first session; rejects when that fails. */
  async open(): Promise<void> {
    const session = await this.#open(undefined);
    void this.#supervise(session);
  }

  /** Closes the session, giving back all that is held, in bounded time. */
  async close(): Promise<void> {
    this.#closing.abort();
    const { session } = this.#tie;
    this.#tie = { session: undefined, suspended: false };
    this.#beats?.stop();
    if (session) await this.#close(session);
  }

  async #supervise(first: Session): Promise<void> {
    let session: Session | undefined = first;
    while (session) {
      const end: SessionEnd = await session.ended;
      if (this.#closing.signal.aborted) return;
      this.#drop(end);
      session = await this.#reopen(session.id);
    }
  }

  #drop({ reason, error }: SessionEnd): void {
    this.#beats?.stop();
    this.#tie = { session: undefined, suspended: false };
    this.#available = deferred();
    this.#failure = error;
    const why = error ? `${reason}: ${messageOf(error)}` : `${reason}.`;
    this.#settings.log.warn(
      `The session with the ${this.backend} backend ended, ${why} What was held is lost; a new session is being opened.`,
    );
    this.#events.ended(reason);
    this.#events.state("lost");
  }

  async #reopen(previous: string): Promise<Session | undefined> {
    const { initialReconnectBackoff, maxReconnectBackoff, log } = this.#settings;
    for (const delay of backoff(initialReconnectBackoff, maxReconnectBackoff)) {
      await this.#sleep(delay);
      if (this.#closing.signal.aborted) return undefined;
      try {
        return await this.#open(previous);
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined;
        this.#failure = error;
        log.warn(
          `Opening a session with the ${this.backend} backend failed: ${messageOf(error)} It is tried again.`,
        );
      }
    }
    return undefined;
  }

  async #open(previous: string | undefined): Promise<Session> {
    const { memberId, ttl, info, clock, log, heartbeat, beatTimeout } = this.#settings;
    const tie: Tie = { session: undefined, suspended: false };
    const session = await this.#unlessClosing(
      this.#driver.open(this.#url, {
        memberId,
        ttl,
        info,
        clock,
        log,
        signal: this.#closing.signal,
        ...(previous === undefined ? {} : { previous }),
        state: (state) => this.#heard(tie, state),
      }),
    );
    await this.#check(session);
    tie.session = session;
    this.#tie = tie;
    this.#beats = new Beats(session, { heartbeat, within: beatTimeout }, clock, log);
    if (!tie.suspended) this.#available.resolve();
    this.#events.state(tie.suspended ? "suspended" : "connected");
    return session;
  }

  /** What is opened although the coordinator stopped meanwhile is closed when it comes. */
  #unlessClosing(opening: Promise<Session>): Promise<Session> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => reject(stoppedWhileOpening()));
      opening.then((session) => {
        if (signal.aborted) void this.#close(session);
        resolve(session);
      }, reject);
      void opening.then(stop, stop);
    });
  }

  async #check(session: Session): Promise<void> {
    const unmet = unmetTraits(session.traits, this.#settings.require);
    if (unmet.length === 0) return;
    await this.#close(session);
    throw new CoordError(
      "COORD_TRAITS",
      `The ${this.backend} backend at ${this.#url.toString()} does not promise what \`require\` asks for: ${unmet.join("; ")}. Choose another backend or require less.`,
    );
  }

  #heard(tie: Tie, state: "connected" | "suspended"): void {
    const suspended = state === "suspended";
    if (tie.suspended === suspended) return;
    tie.suspended = suspended;
    if (tie !== this.#tie) return;
    if (suspended) this.#available = deferred();
    else this.#available.resolve();
    this.#events.state(state);
  }

  async #close(session: Session): Promise<void> {
    const { clock, log } = this.#settings;
    const what = `Closing the session with the ${this.backend} backend`;
    try {
      await withDeadline(clock, cleanUpWithin, what, (signal) => session.close(signal));
    } catch (error) {
      log.warn(`${messageOf(error)} What it held is free at the latest when its session ends.`);
    }
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

function stoppedWhileOpening(): CoordError {
  return new CoordError(
    "COORD_STOPPED",
    "The coordinator was stopped while it was starting. Start it again with start().",
  );
}
