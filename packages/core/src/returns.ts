import { backoff } from "./backoff.js";
import type { Clock, Timer } from "./clock.js";
import type { Connection } from "./connection.js";
import type { Busy, Grant, Logger, Session } from "./contract.js";
import { cleanUpWithin, Deadlines } from "./deadline.js";
import { asUnavailable, messageOf } from "./errors.js";
import type { Ticket } from "./queue.js";

/** What a driver was granted and has to be given back. */
interface Return {
  readonly name: string;
  readonly session: Session;
  readonly ticket: Ticket;
  timer: Timer | undefined;
}

/**
 * Gives back what is not wanted any more, as often as it takes while the session lives: until then
 * nobody of this coordinator gets a turn for the name, and with the session it ends by itself.
 */
export class Returns {
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #log: Logger;
  readonly #deadlines: Deadlines;
  readonly #pending = new Set<Return>();

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
  grant(
    name: string,
    session: Session,
    grant: Grant,
    ticket: Ticket,
  ): Promise<"released" | "gone"> {
    return this.#give(this.#add(name, session, ticket), grant);
  }

  /** Tries once to give back what a retry will ask for again. */
  async once(name: string, grant: Grant): Promise<void> {
    await this.#release(name, grant).catch((error: unknown) =>
      this.#log.debug(`${releasing(name)} failed: ${messageOf(error)}`),
    );
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
    try {
      const granted = await answer;
      if ("busy" in granted) this.#done(pending);
      else await this.#give(pending, granted);
    } catch (error) {
      this.#log.debug(`Nobody waits for "${name}" any more: ${messageOf(error)} Nothing to do.`);
      if (!pending.timer) this.#done(pending);
    }
  }

  /** Sessions ended, and with them what was granted through them. */
  sessionEnded(): void {
    for (const pending of this.#pending) {
      if (!this.#connection.has(pending.session)) this.#done(pending);
    }
  }

  async #give(pending: Return, grant: Grant): Promise<"released" | "gone"> {
    try {
      const answer = await this.#release(pending.name, grant);
      this.#done(pending);
      return answer;
    } catch (error) {
      this.#again(pending, grant, backoff(100, 5_000));
      throw asUnavailable(error, releasing(pending.name));
    }
  }

  #again(pending: Return, grant: Grant, delays: Iterator<number, never>): void {
    if (!this.#connection.has(pending.session)) {
      this.#done(pending);
      return;
    }
    pending.timer = this.#clock.timer(delays.next().value, () => {
      this.#release(pending.name, grant).then(
        () => this.#done(pending),
        () => this.#again(pending, grant, delays),
      );
    });
  }

  #release(name: string, grant: Grant): Promise<"released" | "gone"> {
    return this.#deadlines.run(releasing(name), (signal) => grant.release(signal));
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
