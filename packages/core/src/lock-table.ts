import { sessionOver, timedOut, type Attempt } from "./attempt.js";
import { Attempts } from "./attempts.js";
import type { Awake } from "./awake.js";
import type { Clock } from "./clock.js";
import type { Connection } from "./connection.js";
import type { Busy, Grant, HolderInfo, Lease, Logger, Session } from "./contract.js";
import { deferred } from "./deferred.js";
import {
  asUnavailable,
  isCoordError,
  messageOf,
  type CoordError,
  type LossReason,
} from "./errors.js";
import { HeldLock, type HoldKeeper } from "./hold.js";
import { LeaseWatch } from "./lease-watch.js";
import { answerWithin, Questions } from "./questions.js";
import { FairQueues, type Ticket } from "./queue.js";
import { Request, type Want } from "./request.js";
import { Returns } from "./returns.js";

/**
 * The locks of one started coordinator: who holds them, who waits for them, and the way from a
 * request over the queue of its name and the driver's session to a hold.
 */
export class LockTable implements HoldKeeper {
  readonly clock: Clock;
  readonly info: HolderInfo;
  /** What is asked about locks, not for them. */
  readonly questions: Questions;
  readonly #log: Logger;
  readonly #connection: Connection;
  readonly #awake: Awake;
  readonly #queues = new FairQueues();
  readonly #attempts: Attempts;
  readonly #holds = new Set<HeldLock>();
  readonly #leases: LeaseWatch;
  readonly #returns: Returns;
  // Owner ids must differ between processes that were given the same member id.
  readonly #ownerPrefix = `${crypto.randomUUID()}-`;
  #owners = 0;

  constructor(
    connection: Connection,
    { info, clock, log }: { info: HolderInfo; clock: Clock; log: Logger },
    awake: Awake,
  ) {
    this.#connection = connection;
    this.info = info;
    this.clock = clock;
    this.#log = log;
    this.#awake = awake;
    this.#attempts = new Attempts(clock, awake);
    this.questions = new Questions(connection, this.#attempts);
    this.#leases = new LeaseWatch(clock, (lease) => this.#expire(lease));
    this.#returns = new Returns(clock, connection, log);
  }

  /** Waits for the lock as long as `want` says; answers `Busy` when somebody else still has it. */
  async acquire(name: string, want: Want): Promise<HeldLock | Busy> {
    const { timeout, signal } = want;
    signal?.throwIfAborted();
    const limits = { timeout: timeout || answerWithin, signal, impatient: timeout === 0 };
    const attempt = this.#attempts.begin(limits);
    try {
      return await this.#inTurn(name, want, attempt);
    } catch (error) {
      if (error !== timedOut) throw error;
      if (timeout === 0) throw this.#connection.unavailable();
      return { busy: true, holders: await this.#whoHolds(name, signal) };
    } finally {
      this.#attempts.done(attempt);
    }
  }

  /** Who holds a name that is busy, for an error to say; empty where nobody can tell in time. */
  async holders(name: string, { signal }: Want): Promise<readonly HolderInfo[]> {
    try {
      return await this.#whoHolds(name, signal);
    } catch (error) {
      if (isCoordError(error, "COORD_UNAVAILABLE")) return [];
      throw error;
    }
  }

  /** The backend does not answer for now: who did not want to wait is told so. */
  suspended(): void {
    this.#attempts.endImpatient(this.#connection.unavailable());
  }

  /** The session ended: all that was held through it is lost, whoever waits tries the next. */
  sessionEnded(reason: LossReason): void {
    this.#returns.sessionEnded();
    for (const hold of this.#holds) hold.lose(reason);
    this.#attempts.interrupt(sessionOver);
  }

  /** The coordinator stops: whoever waits is told `error`, whoever holds that it is lost. */
  close(error: CoordError): void {
    this.#attempts.end(error);
    for (const hold of this.#holds) hold.lose("closed");
  }

  giveBack(hold: HeldLock): Promise<"released" | "gone"> {
    this.#remove(hold);
    const { name, session, grant, ticket } = hold;
    return this.#awake.during(this.#returns.grant(name, session, grant, ticket));
  }

  forget(hold: HeldLock, reason: LossReason): void {
    this.#connection.check();
    // Whoever broke the lock waits for the answer; what expired here may not have at the backend.
    const maybeThere = reason === "broken" || reason === "expired";
    if (maybeThere && this.#connection.has(hold.session)) {
      this.giveBack(hold).catch((error: unknown) => this.releaseFailed(hold, error));
    } else {
      this.#remove(hold);
      hold.ticket.leave();
    }
  }

  releaseFailed(hold: HeldLock, error: unknown): void {
    this.#log.warn(`${messageOf(error)} "${hold.name}" is held no more; giving it back goes on.`);
  }

  async #inTurn(name: string, want: Want, attempt: Attempt): Promise<HeldLock | Busy> {
    const ticket = this.#queues.enter(name, want.shared);
    const owner = `${this.#ownerPrefix}${++this.#owners}`;
    const request = new Request(name, owner, want, this.info, attempt);
    try {
      if (ticket.turn && want.timeout === 0) return this.#refuse(name, ticket);
      if (ticket.turn) await this.#waitForTurn(attempt, ticket.turn);
      for (;;) {
        const session =
          this.#connection.session ?? (await this.#nextSession(attempt, want.timeout > 0));
        const granted = await this.#request(session, request, attempt, ticket);
        if (granted) return granted;
      }
    } catch (error) {
      if (!this.#returns.keeps(ticket)) ticket.leave();
      throw error;
    }
  }

  async #waitForTurn(attempt: Attempt, turn: Promise<void>): Promise<void> {
    for (;;) {
      try {
        await attempt.wait(turn);
        return;
      } catch (error) {
        // A session that ends is nothing to who is not there yet.
        if (error !== sessionOver) throw error;
      }
    }
  }

  async #nextSession(attempt: Attempt, wait: boolean): Promise<Session> {
    for (;;) {
      if (this.#connection.session) return this.#connection.session;
      if (!wait) throw this.#connection.unavailable();
      const { promise, resolve } = deferred<void>();
      const stop = this.#connection.onAvailable(resolve);
      try {
        await attempt.wait(promise);
      } catch (error) {
        if (error !== sessionOver) throw error;
      } finally {
        stop();
      }
    }
  }

  /** Asks the session; undefined when it has ended, or does not answer for now, and is to be asked again. */
  async #request(
    session: Session,
    request: Request,
    attempt: Attempt,
    ticket: Ticket,
  ): Promise<HeldLock | Busy | undefined> {
    // Both may have ended in the moment its turn came: then nothing must reach the driver.
    attempt.throwIfOver();
    if (!this.#connection.has(session)) return undefined;
    const { name } = request;
    const answer = ask(session, request);
    try {
      const granted = await attempt.wait(answer);
      if ("busy" in granted) {
        ticket.leave();
        return granted;
      }
      this.#connection.check();
      if (!this.#connection.has(session)) return undefined;
      if (this.clock.now() < granted.lease.usableUntil) {
        return this.#hold(name, session, granted, ticket);
      }
      // Too late: it must be taken for lost.
      await attempt.wait(this.#returns.once(name, granted));
      return undefined;
    } catch (error) {
      if (attempt.over) {
        void this.#returns.late(name, session, answer, ticket);
        // Not `error`: the session may have ended a moment before.
        attempt.throwIfOver();
      }
      if (error === sessionOver || this.#connection.session !== session) return undefined;
      throw asUnavailable(error, `Acquiring "${name}"`);
    }
  }

  #hold(name: string, session: Session, grant: Grant, ticket: Ticket): HeldLock {
    const hold = new HeldLock(name, session, grant, ticket, this);
    ticket.holder = hold;
    this.#holds.add(hold);
    // The session's own is watched with the session.
    if (grant.lease !== session.lease) this.#leases.add(grant.lease);
    this.#awake.add();
    return hold;
  }

  #remove(hold: HeldLock): void {
    if (!this.#holds.delete(hold)) return;
    this.#leases.remove(hold.grant.lease);
    this.#awake.remove();
  }

  #expire(lease: Lease): void {
    for (const hold of this.#holds) if (hold.grant.lease === lease) hold.lose("expired");
  }

  #refuse(name: string, ticket: Ticket): Busy {
    const holders = this.#holdersHere(name);
    if (holders.length === 0 && !this.#connection.session) throw this.#connection.unavailable();
    ticket.leave();
    return holders.length > 0 ? { busy: true, holders } : { busy: true };
  }

  async #whoHolds(name: string, signal: AbortSignal | undefined): Promise<readonly HolderInfo[]> {
    const here = this.#holdersHere(name);
    return here.length > 0 ? here : this.questions.holders(name, signal);
  }

  #holdersHere(name: string): HolderInfo[] {
    return [...this.#queues.serving(name)].flatMap(({ holder }) => holder?.info ?? []);
  }
}

function ask(session: Session, request: Request): Promise<Grant | Busy> {
  try {
    return session.acquire(request);
  } catch (error) {
    return Promise.reject(error);
  }
}
