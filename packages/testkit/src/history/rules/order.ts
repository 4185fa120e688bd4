import { indexOf } from "../belief.js";
import { grantedByName, type Fault, type Granted, type Story } from "../story.js";
import { nameOf, violation, type Violation } from "../violation.js";

/**
 * Whoever came first is served first: always among the requests of one process; between processes
 * where the traits say so, once the backend has shown the first one in line before the other asked,
 * and nothing went wrong with the first one's process.
 */
export function order(story: Story): Violation[] {
  const found: Violation[] = [];
  for (const holds of grantedByName(story).values()) {
    const granted = holds.toSorted((a, b) => a.granted.index - b.granted.index);
    for (const [place, hold] of granted.entries()) {
      if (hold.wait === 0) continue;
      const overtaken = granted
        .slice(firstSince(granted, place, hold.asked.index), place)
        .find((other) => overtook(story, other, hold));
      if (!overtaken) continue;
      const message = `${nameOf(overtaken)} was asked for later than ${nameOf(hold)}, and granted before it.`;
      found.push(violation("order", message, hold, overtaken));
    }
  }
  return found;
}

/** The place of the first, of those before `place`, that was granted after `index`. */
function firstSince(granted: readonly Granted[], place: number, index: number): number {
  let first = place;
  while (first > 0 && (granted[first - 1]?.granted.index ?? 0) > index) first -= 1;
  return first;
}

function overtook(story: Story, other: Granted, hold: Granted): boolean {
  if (other.shared && hold.shared) return false;
  if (other.pid === hold.pid) return other.asked.index > hold.asked.index;
  const inLine = indexOf(hold.queued);
  return story.begin.fair && other.asked.index > inLine && !wasTroubled(story, hold);
}

/** Whether its process may have lost its place while it waited. */
function wasTroubled({ faults, states }: Story, { pid, asked, granted }: Granted): boolean {
  const meanwhile = (fault: Fault): boolean =>
    fault.begin.index < granted.index && indexOf(fault.end) > asked.index;
  return (
    faults.some((fault) => (fault.pid === 0 || fault.pid === pid) && meanwhile(fault)) ||
    (states.get(pid) ?? []).some(({ index }) => index > asked.index && index < granted.index)
  );
}
