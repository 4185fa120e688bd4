import { CoordError, type Clock, type Timer } from "@coord/core/driver";
import type { Commands, Connect, Connections } from "./connect.js";

/** How long to wait before connecting is tried again, in milliseconds. */
const retryAfter = 100;

export interface LinkOptions {
  readonly connect: Connect;
  /** What is said unasked to us. */
  readonly channel: string;
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  /** How long connecting may take. */
  readonly connectWithin: number;
  /** Says what comes first on every connection. */
  readonly greet: () => Promise<void>;
  readonly hear: (message: string) => void;
  readonly state: (state: "connected" | "suspended") => void;
}

/**
 * Two connections to Redis, one to ask and one to hear; when either breaks, both are made anew. It
 * asks nothing twice: only the session knows what to ask again.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #waiting = new Set<() => void>();
  #connections: Connections | undefined;
  #isReady = false;
  #isClosed = false;
  #retry: Timer | undefined;
  #failure: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Tries once to connect and to greet. */
  async open(): Promise<void> {
    const { connect, channel, within, connectWithin, hear, greet } = this.#options;
    const connections: Connections = connect({
      within,
      connectWithin,
      hear,
      lost: (error) => this.#lost(connections, error),
    });
    this.#connections = connections;
    try {
      await connections.open(channel);
      await greet();
    } catch (error) {
      this.#lost(connections, error);
      throw error;
    }
    if (this.#connections !== connections) throw this.#unavailable();
    this.#isReady = true;
    for (const settle of this.#waiting) settle();
  }

  /** Whether it was ended for good. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether keys of different locks can be in one script. */
  get together(): boolean {
    return this.#connections?.together ?? false;
  }

  /** The connection to ask on, now; throws COORD_UNAVAILABLE. What was asked when it breaks may be done. */
  commands(): Commands {
    if (!this.#connections) throw this.#unavailable();
    return this.#connections.commands;
  }

  /** Waits until it is connected, as long as an answer may take; rejects COORD_UNAVAILABLE. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        this.#waiting.delete(settle);
        if (this.#isReady) resolve();
        else reject(this.#unavailable());
      };
      const timer = this.#options.clock.timer(this.#options.within, settle);
      this.#waiting.add(settle);
      if (this.#isReady || this.#isClosed) settle();
    });
  }

  /** A server that has become a replica is no longer the one to be connected to. */
  doubt(error: unknown): void {
    const demoted = error instanceof Error && error.message.startsWith("READONLY");
    if (demoted && this.#connections) this.#lost(this.#connections, error);
  }

  /** Ends it for good: whoever waits for something is rejected. */
  close(): void {
    this.#isClosed = true;
    this.#isReady = false;
    this.#retry?.cancel();
    const connections = this.#connections;
    this.#connections = undefined;
    connections?.close();
    for (const settle of this.#waiting) settle();
  }

  #lost(connections: Connections, error: unknown): void {
    if (this.#connections !== connections) return;
    this.#failure = error;
    this.#connections = undefined;
    connections.close();
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#options.state("suspended");
    this.#reopen();
  }

  #reopen(): void {
    this.open().then(
      () => this.#options.state("connected"),
      () => {
        if (this.#isClosed) return;
        this.#retry = this.#options.clock.timer(retryAfter, () => this.#reopen());
      },
    );
  }

  #unavailable(): CoordError {
    return new CoordError(
      "COORD_UNAVAILABLE",
      "Redis does not answer. See whether the server runs and can be reached.",
      { cause: this.#failure },
    );
  }
}

/** Whether an error is the server's word that it will not do this, now or later. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(NOPERM|WRONGTYPE|ERR) /.test(error.message);
}
