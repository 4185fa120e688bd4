import type { Clock } from "@coord/core/driver";
import type { Turn } from "./turn.js";

/** How often at least whoever waits asks how it stands, in milliseconds: servers have lost news before. */
const every = 10_000;

/** Which turns are to ask how they stand although nothing was told of them. */
export class Rechecks {
  readonly #clock: Clock;
  readonly #failed = new Set<Turn>();
  #dueAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#dueAt = clock.now() + every;
  }

  /** Its last question was not answered. */
  failed(turn: Turn): void {
    this.#failed.add(turn);
  }

  delete(turn: Turn): void {
    this.#failed.delete(turn);
  }

  /** All of them ask by themselves. */
  clear(): void {
    this.#failed.clear();
  }

  /**
   * Has those ask whose last question failed, also of what they hold: its key may be watched by nobody.
   * Of `turns`, all that wait, when it is time for that.
   */
  beat(turns: Iterable<Turn>): void {
    const now = this.#clock.now();
    const isDue = now >= this.#dueAt;
    if (isDue) this.#dueAt = now + every;
    const asked = new Set(this.#failed);
    this.#failed.clear();
    if (isDue) for (const turn of turns) if (!turn.claim.granted) asked.add(turn);
    for (const turn of asked) turn.ask();
  }
}
