import type { HolderInfo } from "./contract.js";

/** A place in a queue of requests for one name. */
export class Ticket {
  /** Who holds the name by it, once it is held. */
  holder: { readonly info: HolderInfo } | undefined;
  /** Resolves when it is this request's turn; undefined where it was its turn at once. */
  turn: Promise<void> | undefined;
  readonly shared: boolean;
  readonly #line: Line;
  #call: (() => void) | undefined;

  constructor(shared: boolean, line: Line) {
    this.shared = shared;
    this.#line = line;
  }

  /** Gives up the turn or the place; doing so twice does nothing. */
  leave(): void {
    this.#line.leave(this);
  }

  /** @internal Makes it wait for `call()`. */
  wait(): void {
    this.turn = new Promise((resolve) => {
      this.#call = resolve;
    });
  }

  /** @internal Tells it that it is its turn. */
  call(): void {
    this.#call?.();
  }
}

/** Those who ask for one name. Most names are only ever asked for by one at a time: it is kept by itself. */
class Line {
  readonly #name: string;
  readonly #lines: Map<string, Line>;
  /** Whose turn it is: one exclusive request, or the first of those that share it. */
  #first: Ticket | undefined;
  /** Those who share it with the first. */
  #others: Set<Ticket> | undefined;
  #waiting: Set<Ticket> | undefined;

  constructor(name: string, lines: Map<string, Line>) {
    this.#name = name;
    this.#lines = lines;
  }

  get serving(): readonly Ticket[] {
    return this.#first ? [this.#first, ...(this.#others ?? [])] : [];
  }

  enter(ticket: Ticket): void {
    if (!this.#waiting?.size && this.#admits(ticket)) {
      this.#serve(ticket);
    } else {
      ticket.wait();
      (this.#waiting ??= new Set()).add(ticket);
    }
  }

  leave(ticket: Ticket): void {
    if (ticket === this.#first) this.#first = this.#nextOther();
    else if (!this.#others?.delete(ticket) && !this.#waiting?.delete(ticket)) return;
    if (this.#waiting) {
      for (const next of this.#waiting) {
        if (!this.#admits(next)) break;
        this.#waiting.delete(next);
        this.#serve(next);
        next.call();
      }
    }
    if (!this.#first) this.#lines.delete(this.#name);
  }

  #nextOther(): Ticket | undefined {
    const [next] = this.#others ?? [];
    if (next) this.#others?.delete(next);
    return next;
  }

  #admits(ticket: Ticket): boolean {
    return !this.#first || (this.#first.shared && ticket.shared);
  }

  #serve(ticket: Ticket): void {
    if (this.#first) (this.#others ??= new Set()).add(ticket);
    else this.#first = ticket;
  }
}

/**
 * A fair read-write queue for each name: requests get their turn in order of arrival, an exclusive
 * one alone, neighbouring shared ones together. So whoever waits for a writer's turn cannot be
 * overtaken by readers, and a backend never sees two requests of this process that exclude each
 * other. A name that nobody asks for takes no memory.
 */
export class FairQueues {
  readonly #lines = new Map<string, Line>();

  /** How many names somebody asks for. */
  get size(): number {
    return this.#lines.size;
  }

  /** Joins the queue for `name`. Every ticket must `leave()` in the end. */
  enter(name: string, shared: boolean): Ticket {
    let line = this.#lines.get(name);
    if (!line) {
      line = new Line(name, this.#lines);
      this.#lines.set(name, line);
    }
    const ticket = new Ticket(shared, line);
    line.enter(ticket);
    return ticket;
  }

  /** Those whose turn it is for `name`. */
  serving(name: string): readonly Ticket[] {
    return this.#lines.get(name)?.serving ?? [];
  }
}
