import type { HolderInfo } from "./contract.js";

/** A place in a queue of requests for one name. */
export class Ticket {
  /** Who holds the name by it, once it is held. */
  holder: { readonly info: HolderInfo } | undefined;
  /** Resolves when it is this request's turn; undefined where it was its turn at once. */
  turn: Promise<void> | undefined;
  readonly shared: boolean;
  readonly #leave: (ticket: Ticket) => void;
  #call: (() => void) | undefined;

  constructor(shared: boolean, leave: (ticket: Ticket) => void) {
    this.shared = shared;
    this.#leave = leave;
  }

  /** Gives up the turn or the place; doing so twice does nothing. */
  leave(): void {
    this.#leave(this);
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

interface Line {
  /** Those whose turn it is: one exclusive request, or any number of shared ones. */
  readonly serving: Set<Ticket>;
  /** The others, in order of arrival; most names never have any. */
  waiting?: Set<Ticket>;
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
      line = { serving: new Set() };
      this.#lines.set(name, line);
    }
    const entered = line;
    const ticket = new Ticket(shared, (leaving) => this.#leave(name, entered, leaving));
    if (!line.waiting?.size && admits(line, ticket)) {
      line.serving.add(ticket);
    } else {
      ticket.wait();
      (line.waiting ??= new Set()).add(ticket);
    }
    return ticket;
  }

  /** Those whose turn it is for `name`. */
  serving(name: string): Iterable<Ticket> {
    return this.#lines.get(name)?.serving ?? [];
  }

  #leave(name: string, line: Line, ticket: Ticket): void {
    const { serving, waiting } = line;
    if (!serving.delete(ticket) && !waiting?.delete(ticket)) return;
    for (const next of waiting ?? []) {
      if (!admits(line, next)) break;
      waiting?.delete(next);
      serving.add(next);
      next.call();
    }
    if (serving.size === 0) this.#lines.delete(name);
  }
}

function admits(line: Line, ticket: Ticket): boolean {
  for (const served of line.serving) return served.shared && ticket.shared;
  return true;
}
