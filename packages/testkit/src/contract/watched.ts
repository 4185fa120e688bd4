import type { AcquireRequest, Busy, Driver, Grant, Session, SessionEnd } from "@coord/core/driver";
import { Gate, withOwn } from "./gate.js";

/**
 * A driver with an eye on what core asks of it and a hand on what it answers: faults for which
 * nothing has to be done at the backend. Its sessions and grants are the driver's own.
 */
export class WatchedDriver {
  readonly driver: Driver;
  /** Calls of `acquire()` that reached the driver. */
  acquires = 0;
  /** Calls of `release()` that reached the driver, with what they answered. */
  readonly releases: ("released" | "gone")[] = [];
  /** Makes the first call of `release()` of each grant reject, after the driver did its work. */
  failReleases: Error | undefined;
  /** Called in the tick in which the driver was asked for a lock. */
  whenAsked: (() => void) | undefined;
  /** Settles when the last session that was closed gave everything back. */
  closed: Promise<unknown> = Promise.resolve();
  /** Whether the sessions can `inspect()`. */
  inspects = false;
  readonly #door = new Gate();
  readonly #answers = new Gate();
  readonly #news = new Gate();
  #end: (end: SessionEnd) => void = () => {};

  constructor(driver: Driver) {
    this.driver = { ...driver, open: (...given) => this.#open(driver, ...given) };
  }

  /** Ends the session, as a backend may at any time; no other is opened until `reconnect()`. */
  disconnect(): void {
    this.#door.shut();
    this.#end({ reason: "session" });
  }

  reconnect(): void {
    this.#door.open();
  }

  /** Answers to calls of `acquire()` are kept back until `deliver()`. */
  keepAnswers(): void {
    this.#answers.shut();
  }

  deliver(): void {
    this.#answers.open();
  }

  /** What the driver says unasked, of a session's end or a grant's loss, is kept back for good. */
  deafen(): void {
    this.#news.shut();
  }

  async #open(driver: Driver, ...[url, context]: Parameters<Driver["open"]>): Promise<Session> {
    const { signal } = context;
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    await Promise.race([this.#door.pass(), stopped]);
    const session = await driver.open(url, context);
    this.inspects = session.inspect !== undefined;
    const ended = new Promise<SessionEnd>((resolve) => {
      this.#end = resolve;
      void this.#heard(session.ended).then(resolve);
    });
    return withOwn(session, {
      ended,
      acquire: (request) => this.#acquire(session, request),
      close: (signal) => {
        const closing = session.close(signal);
        this.closed = closing.catch(() => {});
        return closing;
      },
    });
  }

  async #acquire(session: Session, request: AcquireRequest): Promise<Grant | Busy> {
    this.acquires += 1;
    const asked = session.acquire(request);
    this.whenAsked?.();
    const answer = await asked;
    await this.#answers.pass();
    return "busy" in answer ? answer : this.#grant(answer);
  }

  async #heard<T>(news: Promise<T>): Promise<T> {
    const what = await news;
    await this.#news.pass();
    return what;
  }

  #grant(grant: Grant): Grant {
    let failed = false;
    return withOwn(grant, {
      lost: this.#heard(grant.lost),
      release: async (signal) => {
        const answer = await grant.release(signal);
        this.releases.push(answer);
        if (!this.failReleases || failed) return answer;
        failed = true;
        throw this.failReleases;
      },
    });
  }
}
