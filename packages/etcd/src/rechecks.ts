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

  /**
   * By a new connection all that wait ask by themselves. Of what is held, those ask whose key is not there:
   * a cluster may have lost it and not the lease, and no watch tells of that, but waits for revisions to come.
   */
  async anew(turns: Iterable<Turn>, keysOfLease: () => Promise<readonly Buffer[]>): Promise<void> {
    this.#failed.clear();
    const held = [...turns].filter(({ claim }) => claim.granted);
    if (held.length === 0) return;
    const keys = new Set((await keysOfLease()).map((key) => key.toString("latin1")));
    for (const turn of held) if (!keys.has(turn.spot.key.toString("latin1"))) turn.ask();
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
