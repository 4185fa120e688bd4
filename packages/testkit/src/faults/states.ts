import type { CoordinatorState } from "@coord/core";
import type { LocalParty } from "./party.js";

/** The states of a coordinator in their order, from the one it was in when this was made. */
export class States {
  readonly seen: CoordinatorState[] = [];
  readonly #states: AsyncIterator<CoordinatorState>;

  constructor({ coordinator }: LocalParty) {
    this.#states = coordinator.states()[Symbol.asyncIterator]();
  }

  /** Waits until it is in this state, from the last one that was waited for on. */
  async until(state: CoordinatorState): Promise<void> {
    do {
      const { value, done } = await this.#states.next();
      if (done) throw new Error(`It was stopped, not ${state}.`);
      this.seen.push(value);
    } while (this.seen.at(-1) !== state);
  }
}
