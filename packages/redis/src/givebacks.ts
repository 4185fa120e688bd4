import type { AcquireRequest, Clock } from "@coord/core/driver";
import type { Link } from "./connection/link.js";
import type { Server } from "./server.js";

/** After how many milliseconds a release that failed is tried again. */
const retryAfter = 50;

/** Gives back what is held, and what nobody wants any more, over whatever connection there is. */
export class Givebacks {
  readonly #link: Link;
  readonly #server: Server;
  readonly #clock: Clock;
  // What nobody wants any more and the server may still have; each with the question that is under way.
  readonly #unwanted = new Map<AcquireRequest, Promise<void> | undefined>();

  constructor(link: Link, server: Server, clock: Clock) {
    this.#link = link;
    this.#server = server;
    this.#clock = clock;
  }

  /** Gives it back now, or when `again()` is called. */
  add(request: AcquireRequest): void {
    this.#unwanted.set(request, undefined);
    this.#give(request).catch(() => {});
  }

  /** Gives back what was not given back yet; rejects where that fails. */
  async again(): Promise<void> {
    const given = [...this.#unwanted].map(([request, asked]) => asked ?? this.#give(request));
    await Promise.all(given);
  }

  /** Tries until the server has answered, or until `signal` is aborted: then it rejects. */
  async release(request: AcquireRequest, signal: AbortSignal): Promise<"released" | "gone"> {
    for (let isAsked = false; ;) {
      const mayBeDone = isAsked;
      try {
        await this.#link.ready();
        isAsked = true;
        // Gone, maybe by the request whose answer got lost.
        return (await this.#server.release(request)) || mayBeDone ? "released" : "gone";
      } catch (error) {
        // With a session all that was held through it is gone, and that is no error.
        if (this.#link.isClosed) return "gone";
        if (signal.aborted) throw error;
        // A server that refuses does so at once.
        await new Promise<void>((resolve) => this.#clock.timer(retryAfter, resolve));
      }
    }
  }

  #give(request: AcquireRequest): Promise<void> {
    const asked = this.#server.release(request).then(
      () => void this.#unwanted.delete(request),
      (error: unknown) => {
        this.#unwanted.set(request, undefined);
        throw error;
      },
    );
    this.#unwanted.set(request, asked);
    return asked;
  }
}
