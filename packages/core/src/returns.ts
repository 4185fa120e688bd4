import { backoff } from "./backoff.js";
import type { Clock, Timer } from "./clock.js";
import type { Connection } from "./connection.js";
import type { Busy, Grant, Logger, Session } from "./contract.js";
import { cleanUpWithin, Deadlines } from "./deadline.js";
import { asUnavailable, messageOf } from "./errors.js";
import type { Ticket } from "./queue.js";

type Outcome = Awaited<ReturnType<Grant["release"]>>;

/** What a driver was granted and has to be given back. */
interface Return {
  readonly name: string;
  readonly session: Session;
  readonly ticket: Ticket;
  timer: Timer | undefined;
}

/**
 * Gives back what is not wanted any more, as often as it takes while the session lives: until then
 * nobody of this coordinator gets a turn for the name, and with the session it ends by itself. A driver
 * that is still at it is not asked again: it might take that for done.
 */
export class Returns {
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #log: Logger;
  readonly #deadlines: Deadlines;
  readonly #pending = new Set<Return>();
  readonly #tried = new WeakMap<Grant, Promise<void>>();

  constructor(clock: Clock, connection: Connection, log: Logger) {
    this.#clock = clock;
    this.#connection = connection;
    this.#log = log;
    this.#deadlines = new Deadlines(clock, cleanUpWithin);
  }

  /** Whether a ticket's turn lasts until something is given back. */
  keeps(ticket: Ticket): boolean {
    for (const pending of this.#pending) if (pending.ticket === ticket) return true;
    return false;
  }

  /** Gives a grant back. Rejects COORD_UNAVAILABLE when the first try fails; others follow. */
  grant(name: string, session: Session, grant: Grant, ticket: Ticket): Promise<Outcome> {
    return this.#give(this.#add(name, session, ticket), grant);
  }

  /** Tries once to give back what a retry will ask for again, after that is answered. */
  async once(name: string, grant: Grant): Promise<void> {
    const { inTime, atLast } = this.#release(name, grant);
    inTime.catch(() => {});
    const tried = atLast.then(
      () => {},
      (error: unknown) => this.#log.debug(`${releasing(name)} failed: ${messageOf(error)}`),
    );
    this.#tried.set(grant, tried);
    await tried;
  }

  /** Gives back what a request is granted although nobody waits for it any more, if it is. */
  async late(
    name: string,
    session: Session,
    answer: Promise<Grant | Busy>,
    ticket: Ticket,
  ): Promise<void> {
    // What it granted has ended with it.
    if (!this.#connection.has(session)) return;
    const pending = this.#add(name, session, ticket);
    const failed = (error: unknown): void =>
      this.#log.debug(`Nobody waits for "${name}" any more: ${messageOf(error)} Nothing to do.`);
    try {
      const granted = await answer;
      if ("busy" in granted) return this.#done(pending);
      await this.#tried.get(granted);
      await this.#give(pending, granted).catch(failed);
    } catch (error) {
      failed(error);
      this.#done(pending);
    }
  }

  /** Sessions ended, and with them what was granted through them. */
  sessionEnded(): void {
    for (const pending of this.#pending) {
      if (!this.#connection.has(pending.session)) this.#done(pending);
    }
  }

  async #give(pending: Return, grant: Grant): Promise<Outcome> {
    const { inTime, atLast } = this.#release(pending.name, grant);
    try {
      const answer = await inTime;
      this.#done(pending);
      return answer;
    } catch (error) {
      this.#again(pending, grant, atLast, backoff(100, 5_000));
      throw asUnavailable(error, releasing(pending.name));
    }
  }

  /** After a try that failed, or was not answered in time: then what becomes of it is heard first. */
  #again(
    pending: Return,
    grant: Grant,
    before: Promise<Outcome>,
    delays: Iterator<number, never>,
  ): void {
    const leave = (): void => this.#done(pending);
    before.then(leave, () => {
      if (!this.#connection.has(pending.session)) return leave();
      pending.timer = this.#clock.timer(delays.next().value, () => {
        const { inTime, atLast } = this.#release(pending.name, grant);
        inTime.catch(() => {});
        this.#again(pending, grant, atLast, delays);
      });
    });
  }

  /** What is answered before the deadline, and what is answered however late. */
  #release(
    name: string,
    grant: Grant,
  ): { readonly inTime: Promise<Outcome>; readonly atLast: Promise<Outcome> } {
    let atLast: Promise<Outcome> | undefined;
    const inTime = this.#deadlines.run(
      releasing(name),
      (signal) => (atLast = grant.release(signal)),
    );
    return { inTime, atLast: atLast ?? inTime };
  }

  #add(name: string, session: Session, ticket: Ticket): Return {
    const pending = { name, session, ticket, timer: undefined };
    this.#pending.add(pending);
    return pending;
  }

  #done(pending: Return): void {
    pending.timer?.cancel();
    if (this.#pending.delete(pending)) pending.ticket.leave();
  }
}

function releasing(name: string): string {
  return `Releasing "${name}"`;
}
