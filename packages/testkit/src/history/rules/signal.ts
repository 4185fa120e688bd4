import { firstAfter, givenUp, Robbed } from "../belief.js";
import { exclude, grantedByName, type Granted, type Story, type Turn } from "../story.js";
import { at, nameOf, violation, type Violation } from "../violation.js";

/**
 * R2: in faults of time a hold's signal fires before another that excludes it is granted, if the
 * holder's event loop runs. That it ran is shown by a whole turn of it after the other's grant, at
 * whose end the holder had still not been told.
 */
export function signal(story: Story): Violation[] {
  const robbed = new Robbed(story);
  const found: Violation[] = [];
  for (const holds of grantedByName(story).values()) {
    const granted = holds.toSorted((a, b) => a.granted.index - b.granted.index);
    for (const hold of holds) {
      const turns = story.turns.get(hold.pid) ?? [];
      const next = nextOf(hold, granted, turns, robbed);
      const turn = next && turnAfter(turns, next.granted.at);
      if (!next || !turn || turn.end.index >= givenUp(hold)) continue;
      const late = hold.told ? `was told only ${at(hold.told)}` : "was never told";
      const message = `${nameOf(next)} was granted ${at(next.granted)}, and ${nameOf(hold)}, whose process ran, ${late}.`;
      found.push(violation("signal", message, hold, next));
    }
  }
  return found;
}

/** The first that excludes it and was granted while it was relied on, as far as its process ran. */
function nextOf(
  hold: Granted,
  granted: readonly Granted[],
  turns: readonly Turn[],
  robbed: Robbed,
): Granted | undefined {
  const until = Math.min(givenUp(hold), turns.at(-1)?.end.index ?? 0);
  const first = firstAfter(granted, hold.granted.index, (other) => other.granted.index);
  for (let place = first; place < granted.length; place++) {
    const other = granted[place];
    if (!other || other.granted.index >= until) return undefined;
    if (exclude(hold, other) && !robbed.between(hold, other)) return other;
  }
  return undefined;
}

function turnAfter(turns: readonly Turn[], ms: number): Turn | undefined {
  return turns[firstAfter(turns, ms, ({ since }) => since)];
}
