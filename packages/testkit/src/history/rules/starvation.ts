import type { Fault, Request, Story } from "../story.js";
import { at, nameOf, violation, type Violation } from "../violation.js";

/**
 * Every request ends: one that waits for ever is granted, one with a timeout or an abort is over soon
 * after it. How long may be waited is a limit of the history; faults, and the recovery from them, are
 * not counted.
 */
export function starvation(story: Story): Violation[] {
  const { waitMs, recoverMs } = story.begin.limits;
  const outages = mergedOutages(story.faults, recoverMs);
  return story.requests.flatMap((request) => {
    const [from, until] = waited(request, story);
    if (until - from <= waitMs) return [];
    const quiet = until - from - overlapOf(outages, from, until);
    if (quiet <= waitMs) return [];
    const answered = request.granted ?? request.refused;
    const how = answered ? `was answered ${at(answered)}` : "was never answered";
    const message = `${nameOf(request)}, asked for ${at(request.asked)}, ${how}: it waited for ${quiet.toFixed(0)} ms in which nothing was wrong.`;
    return [violation("starvation", message, request)];
  });
}

/** From when to when a request waited although it should have been over. */
function waited({ asked, wait, abort, ...request }: Request, story: Story): [number, number] {
  const given = Math.min(asked.at + wait, abort?.at ?? Infinity);
  const from = given === Infinity ? asked.at : given;
  const answered = request.granted ?? request.refused;
  if (answered) return [from, answered.at];
  const killed = story.faults.find(({ kind, pid }) => kind === "kill" && pid === request.pid);
  return [from, Math.min(story.end.at, killed?.begin.at ?? Infinity)];
}

function mergedOutages(faults: readonly Fault[], recoverMs: number): [number, number][] {
  const outages = faults.map(({ kind, begin, end }): [number, number] => {
    // Whoever was killed does not come back; others have to find out.
    const over = kind === "kill" ? begin.at : (end?.at ?? Infinity);
    return [begin.at, over + recoverMs];
  });
  outages.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [from, until] of outages) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], until);
    else merged.push([from, until]);
  }
  return merged;
}

function overlapOf(outages: readonly [number, number][], from: number, until: number): number {
  let sum = 0;
  for (const [begin, end] of outages) {
    sum += Math.max(0, Math.min(end, until) - Math.max(begin, from));
  }
  return sum;
}
