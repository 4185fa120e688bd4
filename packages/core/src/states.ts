import { deferred, type Deferred } from "./deferred.js";

/**
 * How a coordinator stands with its backend.
 *
 * - `idle`: not started yet.
 * - `connected`: it has a session and the backend answers.
 * - `suspended`: the backend does not answer; what is held is held until its time runs out.
 * - `lost`: the session ended and what was held is lost; a new one is being opened.
 * - `stopped`: by `stop()`; it can be started again.
 */
export type CoordinatorState = "idle" | "connected" | "suspended" | "lost" | "stopped";

/** A state that can be read and followed. */
export class States {
  #current: CoordinatorState = "idle";
  #next: Deferred<CoordinatorState> = deferred();
  readonly #followers = new Set<CoordinatorState[]>();

  get current(): CoordinatorState {
    return this.#current;
  }

  set(state: CoordinatorState): void {
    if (state === this.#current) return;
    this.#current = state;
    for (const unread of this.#followers) unread.push(state);
    this.#next.resolve(state);
    this.#next = deferred();
  }

  /** The state now and each one it changes to, none left out, up to and including `stopped`. */
  async *follow(): AsyncGenerator<CoordinatorState, void, void> {
    const unread = [this.#current];
    this.#followers.add(unread);
    try {
      for (;;) {
        for (let state = unread.shift(); state; state = unread.shift()) {
          yield state;
          if (state === "stopped") return;
        }
        await this.#next.promise;
      }
    } finally {
      this.#followers.delete(unread);
    }
  }
}
