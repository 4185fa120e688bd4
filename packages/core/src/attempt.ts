import { onAbort } from "./abort.js";
import type { Clock, Timer } from "./clock.js";

/** What `Attempt.wait()` rejects with when the time given has passed. */
export const timedOut = Symbol("timed out");
/** What `Attempt.wait()` rejects with when it is to be tried on another session. */
export const sessionOver = Symbol("session over");

/**
 * One call of `acquire()`, from its first step to its answer. It ends early by the caller's signal,
 * by its timeout or by `end()`; what it waits for then rejects at once, whatever the thing waited for
 * does.
 */
export class Attempt {
  // Made on demand: a request that is answered at once needs none.
  #controller: AbortController | undefined;
  readonly #timer: Timer | undefined;
  readonly #unlisten: (() => void) | undefined;
  #interrupt: ((reason: unknown) => void) | undefined;
  // Of the one request that is at a driver.
  #ended: (() => void) | undefined;
  #over: { readonly reason: unknown } | undefined;

  constructor(clock: Clock, timeout: number, signal: AbortSignal | undefined) {
    if (timeout > 0 && timeout < Infinity) {
      this.#timer = clock.timer(timeout, () => this.end(timedOut));
    }
    if (signal) this.#unlisten = onAbort(signal, () => this.end(signal.reason));
  }

  /** Aborted when the attempt ends early. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort(this.#over.reason);
    }
    return this.#controller.signal;
  }

  /** Calls `callback` once when the attempt ends early, or soon if it has; what it returns takes that back. */
  onEnd(callback: () => void): () => void {
    if (this.#over || this.#ended) return onAbort(this.signal, callback);
    this.#ended = callback;
    return () => {
      if (this.#ended === callback) this.#ended = undefined;
    };
  }

  /** Whether it ended early. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Throws the reason if it ended early. */
  throwIfOver(): void {
    if (this.#over) throw this.#over.reason;
  }

  /** Settles as `work` does, or rejects with the reason of an early end or of an interruption. */
  wait<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Only what is thrown here must be an error; what ends an attempt is the caller's own reason.
      if (this.#over) reject(this.#over.reason);
      else this.#interrupt = reject;
      work.then(resolve, reject);
    });
  }

  /** Makes what it waits for now reject with `reason`; the attempt goes on. */
  interrupt(reason: unknown): void {
    this.#interrupt?.(reason);
  }

  /** Ends it early, unless it is over already. */
  end(reason: unknown): void {
    if (this.#over) return;
    this.#over = { reason };
    this.#interrupt?.(reason);
    this.#controller?.abort(reason);
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
    this.close();
  }

  /** Removes its timer and its listener; what it waited for is forgotten, whoever keeps it. */
  close(): void {
    this.#interrupt = undefined;
    this.#timer?.cancel();
    this.#unlisten?.();
  }
}
