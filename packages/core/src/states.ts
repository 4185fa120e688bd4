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
  readonly #followers = new Set<Follower>();

  get current(): CoordinatorState {
    return this.#current;
  }

  set(state: CoordinatorState): void {
    if (state === this.#current) return;
    this.#current = state;
    for (const follower of this.#followers) follower.push(state);
  }

  /** The state now and each one it changes to, none left out, up to and including `stopped`. */
  follow(): AsyncIterableIterator<CoordinatorState> {
    const follower = new Follower((gone) => this.#followers.delete(gone));
    this.#followers.add(follower);
    follower.push(this.#current);
    return follower;
  }
}

class Follower implements AsyncIterableIterator<CoordinatorState> {
  readonly #unread: CoordinatorState[] = [];
  readonly #gone: (follower: Follower) => void;
  #waiting: Deferred<IteratorResult<CoordinatorState, undefined>>[] = [];
  #over = false;

  constructor(gone: (follower: Follower) => void) {
    this.#gone = gone;
  }

  push(state: CoordinatorState): void {
    const next = this.#waiting.shift();
    if (next) next.resolve({ done: false, value: state });
    else this.#unread.push(state);
    if (state === "stopped") this.#end();
  }

  next(): Promise<IteratorResult<CoordinatorState, undefined>> {
    const state = this.#unread.shift();
    if (state) return Promise.resolve({ done: false, value: state });
    if (this.#over) return Promise.resolve(done);
    const next = deferred<IteratorResult<CoordinatorState, undefined>>();
    this.#waiting.push(next);
    return next.promise;
  }

  return(): Promise<IteratorResult<CoordinatorState, undefined>> {
    this.#unread.length = 0;
    this.#end();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#over = true;
    this.#gone(this);
    for (const next of this.#waiting) next.resolve(done);
    this.#waiting = [];
  }
}

const done = { done: true, value: undefined } as const;
