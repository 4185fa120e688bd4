import type { Link } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";
import type { Queue } from "./queue.js";
import type { Turn } from "./turn.js";

/** Takes out of their lines what is held, and what nobody wants any more, over whatever connection there is. */
export class Givebacks {
  readonly #link: Link<Connection>;
  readonly #queue: Queue;
  readonly #given: (turn: Turn) => void;
  // What nobody wants any more and the server may still have; each with the question that is under way.
  readonly #unwanted = new Map<Turn, Promise<void> | undefined>();

  /** @param given told of what nobody wanted any more when it is gone */
  constructor(link: Link<Connection>, queue: Queue, given: (turn: Turn) => void) {
    this.#link = link;
    this.#queue = queue;
    this.#given = given;
  }

  /** Gives it back now, or when `again()` is called. */
  add(turn: Turn): void {
    this.#give(turn).catch(() => {});
  }

  /** Gives back what was not given back yet; rejects where that fails. */
  async again(): Promise<void> {
    const given = [...this.#unwanted].map(([turn, asked]) => asked ?? this.#give(turn));
    await Promise.all(given);
  }

  /** Tries until the server has answered, or until `signal` is aborted: then it rejects. */
  async release(turn: Turn, signal: AbortSignal): Promise<"released" | "gone"> {
    const done = await this.#link.insist(() => this.#queue.leave(turn.spot, turn.revision), signal);
    // With a session all that was held through it is gone, and that is no error.
    if (!done) return "gone";
    // Gone, maybe by the request whose answer got lost.
    return done.answer || done.again ? "released" : "gone";
  }

  #give(turn: Turn): Promise<void> {
    const given = this.#delete(turn).then(
      () => {
        this.#unwanted.delete(turn);
        this.#given(turn);
      },
      (error: unknown) => {
        this.#unwanted.set(turn, undefined);
        throw error;
      },
    );
    this.#unwanted.set(turn, given);
    return given;
  }

  /** The server may take up requests in any order, so the one that made its key has to be over. */
  async #delete(turn: Turn): Promise<void> {
    await turn.settled;
    // As is one that was asked by an earlier connection, when another one has begun.
    if (turn.revision === undefined) await this.#link.ready();
    await this.#queue.leave(turn.spot, turn.revision);
  }
}
