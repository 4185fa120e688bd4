import type { Clock, Timer } from "@coord/core/driver";

/** How long, in milliseconds, a session stays open that keeps nothing: while it is, the process goes on. */
const idleFor = 20;

interface NeedsOptions {
  readonly clock: Clock;
  /** Whether something is asked just now. */
  readonly isAsking: () => boolean;
  /** Called when nothing was needed or asked for a while. */
  readonly rest: () => void;
}

/** What a session is needed for: nodes that end with it, and watches that wait. */
export class Needs {
  readonly #options: NeedsOptions;
  readonly #all = new Set<unknown>();
  #timer: Timer | undefined;

  constructor(options: NeedsOptions) {
    this.#options = options;
  }

  /** Whether it is needed for nothing, and nothing is asked. */
  get isIdle(): boolean {
    return this.#all.size === 0 && !this.#options.isAsking();
  }

  get nodes(): string[] {
    return [...this.#all].filter((need) => typeof need === "string");
  }

  add(need: unknown): void {
    this.#all.add(need);
  }

  delete(need: unknown): boolean {
    return this.#all.delete(need);
  }

  /** Something is asked, or nothing any more. */
  stay(): void {
    this.#timer?.cancel();
  }

  /** Something has ended, so that it may be the time to rest. */
  restSoon(): void {
    if (!this.isIdle) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.timer(idleFor, () => {
      if (this.isIdle) this.#options.rest();
    });
  }
}
