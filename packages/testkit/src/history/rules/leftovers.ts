import type { Story } from "../story.js";
import type { Violation } from "../violation.js";

/** R8: when all is over nothing is left, in any process or at the backend. */
export function leftovers(story: Story): Violation[] {
  return story.lines.flatMap((line) => {
    if (line.event !== "left") return [];
    const left = Object.entries(line.counts).filter(([, count]) => count > 0);
    if (left.length === 0) return [];
    const whose = line.pid === 0 ? "At the backend" : `In process ${line.pid}`;
    const what = left.map(([kind, count]) => `${count} ${kind}`).join(", ");
    const message = `${whose} was left: ${what}.`;
    return [{ rule: "leftovers", message, request: undefined, lines: [line] }];
  });
}
