import type { Line } from "./events.js";
import { leftovers } from "./rules/leftovers.js";
import { order } from "./rules/order.js";
import { overlap } from "./rules/overlap.js";
import { signal } from "./rules/signal.js";
import { starvation } from "./rules/starvation.js";
import { taken } from "./rules/taken.js";
import { tokens } from "./rules/tokens.js";
import { readStory } from "./story.js";
import type { Rule, RuleName, Violation } from "./violation.js";

/** All rules of a history, by name. */
const rules: Readonly<Record<RuleName, Rule>> = {
  overlap,
  tokens,
  signal,
  taken,
  order,
  starvation,
  leftovers,
};

/**
 * Judges a recorded history: every promise that it shows was not kept, of one rule after the other.
 * It depends on nothing but the lines, which may be in any order.
 * @throws when the lines are no whole history
 */
export function check(lines: readonly Line[]): Violation[] {
  const story = readStory(lines);
  return Object.values(rules).flatMap((rule) => rule(story));
}
