import { firstAfter, Robbed } from "../belief.js";
import { grantedByName, type Granted, type Story } from "../story.js";
import { nameOf, violation, type Violation } from "../violation.js";

/**
 * Of two holds of a name that exclude each other, the later has the greater token. The later is the
 * one that was asked for when the other had been granted; and of two of which none was taken away,
 * the one that first passed `assertHeld()` later.
 */
export function tokens(story: Story): Violation[] {
  const robbed = new Robbed(story);
  const found: Violation[] = [];
  for (const holds of grantedByName(story).values()) {
    const byGrant = new Greatest(holds, ({ granted }) => granted.index);
    const kept = holds.filter(
      (hold) => hold.firstHeld !== undefined && robbed.since(hold) === Infinity,
    );
    const byHolding = new Greatest(kept, firstHeld);
    const isKept = new Set(kept);
    for (const hold of holds) {
      const earlier = [
        byGrant.before(hold.asked.index, hold.shared),
        isKept.has(hold) ? byHolding.before(firstHeld(hold), hold.shared) : undefined,
      ];
      const worse = earlier.find((other) => other !== undefined && other.token >= hold.token);
      if (!worse) continue;
      const message = `${nameOf(hold)} came after ${nameOf(worse)}, whose token is not less.`;
      found.push(violation("tokens", message, hold, worse));
    }
  }
  return found;
}

function firstHeld(hold: Granted): number {
  return hold.firstHeld?.index ?? Infinity;
}

/** Of holds in some order, the ones with the greatest token up to each place. */
class Greatest {
  readonly #placeOf: (hold: Granted) => number;
  readonly #of: Record<"all" | "exclusive", { hold: Granted; greatest: Granted }[]>;

  constructor(holds: readonly Granted[], placeOf: (hold: Granted) => number) {
    this.#placeOf = placeOf;
    const sorted = holds.toSorted((a, b) => placeOf(a) - placeOf(b));
    const upTo = (list: readonly Granted[]): { hold: Granted; greatest: Granted }[] => {
      let greatest: Granted | undefined;
      return list.map((hold) => {
        if (!greatest || hold.token > greatest.token) greatest = hold;
        return { hold, greatest };
      });
    };
    this.#of = { all: upTo(sorted), exclusive: upTo(sorted.filter(({ shared }) => !shared)) };
  }

  /** Of those before the place that exclude such a one. */
  before(index: number, shared: boolean): Granted | undefined {
    const list = shared ? this.#of.exclusive : this.#of.all;
    const count = firstAfter(list, index - 1, ({ hold }) => this.#placeOf(hold));
    return list[count - 1]?.greatest;
  }
}
