import { CoordError, type Clock } from "@coord/core/driver";
import type { ServerInfo } from "./checks.js";

/** For how long a server is left alone of which it is not known yet when it was started, in milliseconds. */
const shortly = 100;

/**
 * For how long a server that was started a moment ago is not to be asked for locks, because it may
 * have forgotten who holds them: until all that it may have granted before has ended.
 */
export class Restarts {
  readonly #clock: Clock;
  readonly #ttl: number | undefined;
  // The servers we have met, by their starts.
  readonly #runs = new Set<string>();
  #isMet = true;
  #over = 0;

  /** Without a ttl no server is too young. */
  constructor(clock: Clock, ttl: number | undefined) {
    this.#clock = clock;
    this.#ttl = ttl;
  }

  /** How many milliseconds are left. */
  get left(): number {
    const least = this.#isMet ? 0 : shortly;
    return this.#over > 0 ? Math.max(least, this.#over - this.#clock.now()) : least;
  }

  /** The error for whoever cannot wait until then. */
  tooEarly(): CoordError {
    return new CoordError(
      "COORD_UNAVAILABLE",
      `This Redis was started a moment ago and may have forgotten who holds what. Try again in ${Math.ceil(this.left)} ms.`,
    );
  }

  /** A server is connected to, of which nothing is known until it is met. */
  connecting(): void {
    this.#isMet = this.#ttl === undefined;
  }

  /** We are connected to this one now. */
  met({ run, uptime }: ServerInfo): void {
    this.#isMet = true;
    if (this.#ttl === undefined || this.#runs.has(run)) return;
    this.#runs.add(run);
    // It counts whole seconds, so it may have started a second later than it says.
    this.#over = this.#clock.now() + this.#ttl - uptime + 1_000;
  }
}
