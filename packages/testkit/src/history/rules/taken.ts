import { concerns } from "../belief.js";
import { grantedByName, type Story } from "../story.js";
import { nameOf, violation, type Violation } from "../violation.js";

/** R4: nobody loses what is its own as "taken" or "broken", unless somebody took it or asked for it. */
export function taken(story: Story): Violation[] {
  const causes = story.faults.filter((fault) => fault.class !== "time");
  const holds = [...grantedByName(story).values()].flat();
  return holds.flatMap((hold) => {
    if (hold.reason !== "taken" && hold.reason !== "broken") return [];
    if (causes.some((fault) => concerns(fault, hold))) return [];
    const message = `${nameOf(hold)} was lost as "${hold.reason}", and nobody had asked for that.`;
    return [violation("taken", message, hold)];
  });
}
