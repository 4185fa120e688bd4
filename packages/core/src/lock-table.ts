import { Attempt, sessionOver, timedOut } from "./attempt.js";
import type { Clock } from "./clock.js";
import type { Connection } from "./connection.js";
import type {
  BreakOptions,
  BreakResult,
  Busy,
  Grant,
  HolderInfo,
  LockState,
  Logger,
  Session,
} from "./contract.js";
import { cleanUpWithin, withDeadline } from "./deadline.js";
import { CoordError, isCoordError, messageOf, type LossReason } from "./errors.js";
import { HeldLock, type HoldKeeper } from "./hold.js";
import { FairQueues, type Ticket } from "./queue.js";

/** What one call of `acquire()` wants. */
export interface Want {
  readonly shared: boolean;
  /** Milliseconds; 0: not to wait, `Infinity`: for ever. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The locks of one started coordinator: who holds them, who waits for them, and the way from a
 * request over the queue of its name and the driver's session to a hold.
 */
export class LockTable implements HoldKeeper {
  readonly clock: Clock;
  readonly info: HolderInfo;
  readonly #log: Logger;
  readonly #connection: Connection;
  readonly #queues = new FairQueues();
  readonly #attempts = new Set<Attempt>();
  readonly #holds = new Set<HeldLock>();
  // Owner ids must differ between processes that were given the same member id.
  readonly #ownerPrefix = `${crypto.randomUUID()}-`;
  #owners = 0;
  #sleep: (() => void) | undefined;

  constructor(connection: Connection, info: HolderInfo, clock: Clock, log: Logger) {
    this.#connection = connection;
    this.info = info;
    this.clock = clock;
    this.#log = log;
  }

  /** How many names somebody here holds or asks for. */
  get size(): number {
    return this.#queues.size;
  }

  /** Waits for the lock as long as `want` says; answers `Busy` when somebody else still has it. */
  async acquire(name: string, want: Want): Promise<HeldLock | Busy> {
    want.signal?.throwIfAborted();
    const attempt = new Attempt(this.clock, want.timeout, want.signal);
    const ticket = this.#queues.enter(name, want.shared);
    this.#attempts.add(attempt);
    this.#stayAwake();
    try {
      if (ticket.turn) {
        if (want.timeout === 0) return this.#leave(ticket, this.#busy(name));
        await this.#waitForTurn(attempt, ticket);
      }
      return await this.#ask(name, want, attempt, ticket);
    } catch (error) {
      if (error !== timedOut) throw error;
      if (this.#connection.session) return this.#busy(name);
      throw this.#connection.unavailable();
    } finally {
      attempt.close();
      this.#attempts.delete(attempt);
      this.#stayAwake();
    }
  }

  /** Who holds the name, for an error to say; empty where nobody can tell in time. */
  async holders(name: string, answer: Busy): Promise<readonly HolderInfo[]> {
    if (answer.holders) return answer.holders;
    try {
      return (await this.inspect(name)).holders;
    } catch {
      return [];
    }
  }

  async inspect(name: string): Promise<LockState> {
    const session = this.#session();
    if (!session.inspect) throw this.#unsupported("inspect()");
    const asked = session.inspect(name);
    return withDeadline(this.clock, cleanUpWithin, `Asking who holds "${name}"`, () => asked);
  }

  async break(name: string, options: BreakOptions): Promise<BreakResult> {
    const session = this.#session();
    if (!session.break) throw this.#unsupported("break()");
    return session.break(name, options);
  }

  /** The session ended: all that was held through it is lost, whoever waits tries the next. */
  sessionEnded(reason: LossReason): void {
    for (const hold of this.#holds) hold.lose(reason);
    for (const attempt of this.#attempts) attempt.interrupt(sessionOver);
  }

  /** The coordinator stops: whoever waits is told `error`, whoever holds that it is lost. */
  close(error: CoordError): void {
    for (const attempt of this.#attempts) attempt.end(error);
    for (const hold of this.#holds) hold.lose("closed");
  }

  async giveBack(hold: HeldLock): Promise<void> {
    try {
      await this.#release(hold.grant, hold.name);
    } finally {
      this.forget(hold);
    }
  }

  forget(hold: HeldLock): void {
    this.#holds.delete(hold);
    hold.ticket.leave();
    this.#stayAwake();
  }

  releaseFailed(hold: HeldLock, error: unknown): void {
    this.#log.warn(
      `Releasing "${hold.name}" failed: ${messageOf(error)} It is free for others at the latest when this coordinator's session ends.`,
    );
  }

  async #waitForTurn(attempt: Attempt, ticket: Ticket): Promise<void> {
    for (;;) {
      try {
        return await attempt.wait(ticket.turn ?? Promise.resolve());
      } catch (error) {
        if (error === sessionOver) continue;
        ticket.leave();
        throw error;
      }
    }
  }

  /** Asks the session, and the next one when it ends, always as the same owner. */
  async #ask(name: string, want: Want, attempt: Attempt, ticket: Ticket): Promise<HeldLock | Busy> {
    const owner = `${this.#ownerPrefix}${++this.#owners}`;
    const mode = want.shared ? "shared" : "exclusive";
    const wait = want.timeout > 0;
    for (;;) {
      const session = await this.#nextSession(attempt, ticket, wait);
      const { signal } = attempt;
      const answer = session.acquire({ name, owner, mode, wait, signal, info: this.info });
      try {
        const granted = await attempt.wait(answer);
        if ("busy" in granted) return this.#leave(ticket, granted);
        if (this.#connection.has(session)) return this.#hold(name, granted, ticket);
      } catch (error) {
        if (attempt.over) {
          void this.#giveUp(name, answer, ticket);
          throw error;
        }
        if (error !== sessionOver && this.#connection.session === session) {
          ticket.leave();
          throw asUnavailable(error, name);
        }
      }
      // The session ended, and with it what it granted, or it does not answer for now.
      answer.catch(() => {});
    }
  }

  async #nextSession(attempt: Attempt, ticket: Ticket, wait: boolean): Promise<Session> {
    try {
      for (;;) {
        if (this.#connection.session) return this.#connection.session;
        if (!wait) throw this.#connection.unavailable();
        try {
          await attempt.wait(this.#connection.available());
        } catch (error) {
          if (error !== sessionOver) throw error;
        }
      }
    } catch (error) {
      ticket.leave();
      throw error;
    }
  }

  #hold(name: string, grant: Grant, ticket: Ticket): HeldLock {
    const hold = new HeldLock(name, grant, ticket, this);
    ticket.holder = hold;
    this.#holds.add(hold);
    return hold;
  }

  /** The caller has its answer; a grant that comes all the same goes back before the next one's turn. */
  async #giveUp(name: string, answer: Promise<Grant | Busy>, ticket: Ticket): Promise<void> {
    try {
      const late = await answer;
      if (!("busy" in late)) await this.#release(late, name);
    } catch (error) {
      this.#log.debug(`Giving up "${name}": ${messageOf(error)} Nothing to do.`);
    } finally {
      ticket.leave();
    }
  }

  async #release(grant: Grant, name: string): Promise<void> {
    await withDeadline(this.clock, cleanUpWithin, `Releasing "${name}"`, (signal) =>
      grant.release(signal),
    );
  }

  #leave<T>(ticket: Ticket, answer: T): T {
    ticket.leave();
    return answer;
  }

  /** Busy, with the names of those in this process who hold it. */
  #busy(name: string): Busy {
    const holders = [...this.#queues.serving(name)].flatMap(({ holder }) => holder?.info ?? []);
    return holders.length > 0 ? { busy: true, holders } : { busy: true };
  }

  #session(): Session {
    if (!this.#connection.session) throw this.#connection.unavailable();
    return this.#connection.session;
  }

  #unsupported(what: string): CoordError {
    return new CoordError(
      "COORD_UNSUPPORTED",
      `The ${this.#connection.backend} backend has no ${what}. Use one that has: see the table of backends.`,
    );
  }

  #stayAwake(): void {
    const needed = this.#attempts.size + this.#holds.size > 0;
    if (needed) this.#sleep ??= this.clock.keepAlive();
    else if (this.#sleep) {
      this.#sleep();
      this.#sleep = undefined;
    }
  }
}

function asUnavailable(error: unknown, name: string): unknown {
  if (isCoordError(error)) return error;
  return new CoordError(
    "COORD_UNAVAILABLE",
    `Acquiring "${name}" failed: ${messageOf(error)} See whether the backend works.`,
    { cause: error },
  );
}
