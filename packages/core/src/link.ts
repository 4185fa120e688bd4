import { onAbort } from "./abort.js";
import { backoff } from "./backoff.js";
import type { Clock, Timer } from "./clock.js";
import type { Lease } from "./contract.js";
import type { CoordError } from "./errors.js";

/** The longest delay between two tries, in milliseconds; a connection that lasted so long is none of them. */
const longest = 1_000;
/** How long the first connection's answers may take at least, in milliseconds. */
const firstWithin = 2_000;

/** What a link needs to know of its connections. All durations are milliseconds. */
export interface LinkOptions<C> {
  readonly clock: Clock;
  /** How long `ready()` waits for a connection. */
  readonly within: number;
  /** How long to wait before connecting is tried again, at least; what is waited is drawn, and grows. */
  readonly retryAfter: number;
  /** Makes a connection that is not open yet. It calls `lost` when it breaks, maybe twice. */
  readonly make: (lost: (error: unknown) => void) => C;
  /** Opens it, and says what comes first on every connection; `connection` is that one by then. */
  readonly greet: (connection: C) => Promise<void>;
  /** Closes it, open or not; nothing comes by it any more. */
  readonly close: (connection: C) => void;
  /** Told when an open connection broke, and when another one is open: as of a session's context. */
  readonly state: (state: "connected" | "suspended") => void;
  /** The error for who needs a connection when there is none; `cause` is what broke the last one. */
  readonly unavailable: (cause: unknown) => CoordError;
}

/**
 * A connection to a backend that is made anew when it breaks, while the session goes on. It asks
 * nothing twice by itself: what was asked when a connection broke may have been done, and only the
 * session knows what to ask again.
 */
export class Link<C> {
  readonly #options: LinkOptions<C>;
  readonly #waiting = new Set<() => void>();
  #connection: C | undefined;
  #isReady = false;
  #wasReady = false;
  #openedAt = 0;
  #isClosed = false;
  #retry: Timer | undefined;
  #delays: Iterator<number, never> | undefined;
  #failure: unknown;

  constructor(options: LinkOptions<C>) {
    this.#options = options;
  }

  /** Opens the first connection, in one try. When that fails, or `signal` is aborted, the link is closed. */
  async open(signal: AbortSignal): Promise<void> {
    const unlisten = onAbort(signal, () => this.close());
    try {
      await this.#open();
    } catch (error) {
      this.close();
      throw error;
    } finally {
      unlisten();
    }
  }

  /** Whether it was closed for good. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * How long an answer may take, in milliseconds, before a connection is to be given up: `within`; until
   * the first one is open 2 s at least, because nothing is held yet that would be lost by waiting.
   */
  get patience(): number {
    const { within } = this.#options;
    return this.#wasReady ? within : Math.max(within, firstWithin);
  }

  /** The connection to ask on, now, also while it is greeted. Throws COORD_UNAVAILABLE when there is none. */
  get connection(): C {
    if (this.#connection === undefined) throw this.#unavailable();
    return this.#connection;
  }

  /** Waits until a connection is open, `within` at most; then, and when it is closed, rejects COORD_UNAVAILABLE. */
  ready(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        this.#waiting.delete(settle);
        if (this.#isReady) resolve();
        else reject(this.#unavailable());
      };
      const timer = this.#options.clock.timer(this.#options.within, settle);
      this.#waiting.add(settle);
      if (this.#isClosed) settle();
    });
  }

  /**
   * Asks until it is answered, on whatever connection there is, for what does no harm when it is asked
   * twice. Undefined: the link was closed. `again`: an earlier request may have been done, unanswered.
   * Once `signal` is aborted, the next failure is what it rejects with.
   */
  async insist<T>(
    ask: (connection: C) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly answer: T; readonly again: boolean } | undefined> {
    for (let isAsked = false; ;) {
      const again = isAsked;
      try {
        if (!this.#isReady) await this.ready();
        isAsked = true;
        return { answer: await ask(this.connection), again };
      } catch (error) {
        if (this.#isClosed) return undefined;
        if (signal.aborted) throw error;
        // Who refuses may do so at once.
        await this.#pause(signal);
      }
    }
  }

  /**
   * Asks what a session asks last. While its lease runs that is tried again, as `insist()` does. After
   * that all that it held ends by itself, and who lost the backend must not hurry back to say so: then
   * it is asked once, of the connection there is, and rejects where there is none.
   */
  async finish(
    ask: (connection: C) => Promise<unknown>,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#options.clock.now() < lease.usableUntil) await this.insist(ask, signal);
    else await ask(this.connection);
  }

  /** A connection that answers, but should be used no more, is given up, and another one made. */
  giveUp(error: unknown): void {
    if (this.#connection !== undefined) this.#lost(this.#connection, error);
  }

  /** Ends it for good: who waits for a connection is rejected, and nothing goes on behind. */
  close(): void {
    this.#isClosed = true;
    this.#isReady = false;
    this.#retry?.cancel();
    this.#drop();
    for (const settle of this.#waiting) settle();
  }

  async #open(): Promise<void> {
    const { make, greet } = this.#options;
    if (this.#isClosed) throw this.#unavailable();
    const connection: C = make((error) => this.#lost(connection, error));
    this.#connection = connection;
    try {
      await greet(connection);
    } catch (error) {
      this.#lost(connection, error);
      throw error;
    }
    // It broke, or was given up, while it was greeted.
    if (this.#connection !== connection) throw this.#unavailable();
    const isAnew = this.#wasReady;
    this.#isReady = this.#wasReady = true;
    this.#openedAt = this.#options.clock.now();
    // Before whoever waits for it, who may find it broken and give it up.
    if (isAnew) this.#options.state("connected");
    for (const settle of this.#waiting) settle();
  }

  #lost(connection: C, error: unknown): void {
    if (this.#connection !== connection) return;
    this.#failure = error;
    this.#drop();
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#options.state("suspended");
    const lasted = this.#options.clock.now() - this.#openedAt;
    // A backend that greets and breaks again and again must not be asked all the time.
    if (this.#delays && lasted < longest) return this.#reopenLater(this.#delays);
    this.#delays = this.#newDelays();
    this.#reopen(this.#delays);
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#options.close(connection);
  }

  #reopen(delays: Iterator<number, never>): void {
    this.#open().catch(() => {
      if (!this.#isClosed) this.#reopenLater(delays);
    });
  }

  #reopenLater(delays: Iterator<number, never>): void {
    this.#retry = this.#options.clock.timer(delays.next().value, () => this.#reopen(delays));
  }

  /** For as long as the session may still be saved: not so long that it is lost in between. */
  #newDelays(): Iterator<number, never> {
    const { retryAfter, within } = this.#options;
    return backoff(retryAfter, Math.max(retryAfter, Math.min(longest, within / 4)));
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        unlisten();
        resolve();
      };
      const timer = this.#options.clock.timer(this.#options.retryAfter, done);
      const unlisten = onAbort(signal, done);
    });
  }

  #unavailable(): CoordError {
    return this.#options.unavailable(this.#failure);
  }
}
