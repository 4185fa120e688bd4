import type { AcquireRequest, Link } from "@coord/core/driver";
import type { Connections } from "./connection/connect.js";
import { isRefusal } from "./connection/failures.js";
import type { Server } from "./server.js";

/** Gives back what is held, and what nobody wants any more, over whatever connection there is. */
export class Givebacks {
  readonly #link: Link<Connections>;
  readonly #server: Server;
  // What nobody wants any more and the server may still have; each with the question that is under way.
  readonly #unwanted = new Map<AcquireRequest, Promise<void> | undefined>();

  // What is being released, from the first question to the last.
  readonly #releasing = new Set<Promise<unknown>>();

  constructor(link: Link<Connections>, server: Server) {
    this.#link = link;
    this.#server = server;
  }

  /** Gives it back now, or when `again()` is called; what the server refuses to do is left to end by itself. */
  add(request: AcquireRequest): void {
    this.#unwanted.set(request, undefined);
    this.#give(request).catch(() => {});
  }

  /** Gives back what was not given back yet; rejects where that fails. */
  async again(): Promise<void> {
    const given = [...this.#unwanted].map(([request, asked]) => asked ?? this.#give(request));
    await Promise.all(given);
  }

  /** The same, and waits for what is being released: never while a connection is greeted, for which that waits. */
  async all(): Promise<void> {
    await Promise.all([this.again(), Promise.allSettled(this.#releasing)]);
  }

  /** Tries until the server has answered, or until `signal` is aborted: then it rejects. */
  async release(request: AcquireRequest, signal: AbortSignal): Promise<"released" | "gone"> {
    const asked = this.#link.insist(() => this.#server.release(request), signal);
    this.#releasing.add(asked);
    try {
      const done = await asked;
      // With a session all that was held through it is gone, and that is no error. What is gone when it
      // is asked again may have been released by the request whose answer got lost.
      return done && (done.answer === 1 || done.again) ? "released" : "gone";
    } finally {
      this.#releasing.delete(asked);
    }
  }

  #give(request: AcquireRequest): Promise<void> {
    const asked = this.#server.drop(request).then(
      () => void this.#unwanted.delete(request),
      (error: unknown) => {
        if (isRefusal(error)) return void this.#unwanted.delete(request);
        this.#unwanted.set(request, undefined);
        throw error;
      },
    );
    this.#unwanted.set(request, asked);
    return asked;
  }
}
