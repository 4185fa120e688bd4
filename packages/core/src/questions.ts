import { sessionOver, timedOut } from "./attempt.js";
import type { Attempts } from "./attempts.js";
import type { Connection } from "./connection.js";
import type { BreakOptions, BreakResult, HolderInfo, LockState, Session } from "./contract.js";
import { asUnavailable, CoordError } from "./errors.js";

/** How long, in milliseconds, an answer may take that is to come at once. */
export const answerWithin = 5_000;
/** How long it may take to learn who holds a lock that somebody else has. */
const holdersWithin = 250;

/**
 * What is asked of the session once, without waiting for the next one: whatever goes wrong, the
 * backend cannot say.
 */
export class Questions {
  readonly #connection: Connection;
  readonly #attempts: Attempts;

  constructor(connection: Connection, attempts: Attempts) {
    this.#connection = connection;
    this.#attempts = attempts;
  }

  inspect(name: string): Promise<LockState> {
    const limits = { timeout: answerWithin };
    return this.#ask(`Asking who holds "${name}"`, limits, (session, signal) => {
      if (!session.inspect) throw this.#unsupported("inspect()");
      return session.inspect(name, signal);
    });
  }

  /** Takes as long as the holder takes to answer, at most its lease; ends with the coordinator. */
  break(name: string, options: BreakOptions): Promise<BreakResult> {
    return this.#ask(`Breaking "${name}"`, { timeout: Infinity }, (session, signal) => {
      if (!session.break) throw this.#unsupported("break()");
      return session.break(name, options, signal);
    });
  }

  /** Who holds a name that is busy; nobody where the backend has no way to say. */
  async holders(name: string, signal: AbortSignal | undefined): Promise<readonly HolderInfo[]> {
    const limits = { timeout: holdersWithin, signal };
    const what = `Asking who holds "${name}"`;
    const state = await this.#ask(what, limits, async (session, ended) =>
      session.inspect?.(name, ended),
    );
    return state?.holders ?? [];
  }

  #ask<T>(
    what: string,
    limits: { timeout: number; signal?: AbortSignal | undefined },
    call: (session: Session, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#attempts.run(limits, async (attempt) => {
      const { session } = this.#connection;
      if (!session) throw this.#connection.unavailable();
      try {
        return await attempt.wait(call(session, attempt.signal));
      } catch (error) {
        if (error === timedOut) throw this.#connection.unavailable();
        // With the session the driver has to end what it was asked: nobody hears the answer.
        if (error === sessionOver) attempt.end(this.#connection.unavailable());
        attempt.throwIfOver();
        throw asUnavailable(error, what);
      }
    });
  }

  #unsupported(what: string): CoordError {
    return new CoordError(
      "COORD_UNSUPPORTED",
      `The ${this.#connection.backend} backend has no ${what}. Use one that has: see the table of backends.`,
    );
  }
}
