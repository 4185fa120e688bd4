import { inTime, type Hold } from "./run.js";
import { afterExcluded, together, type SharedRun } from "./shared-run.js";
import { additions, check, type Check } from "./verdict.js";

/** Compares a run of writers and readers with what a lock that can be shared promises. */
export function sharedVerdict(run: SharedRun): Check[] {
  return [
    check("no addition was lost", additions(run)),
    check("no reader saw the number change", changes(run)),
    check("nobody was in together with a writer", intrusions(run)),
    check("readers were in together", loneliness(run)),
    check("every hold has a greater token than those before that exclude it", tokens(run)),
    check("every writer took all its turns while the readers went on", starvation(run)),
    check("all processes ended by themselves", endings(run)),
  ];
}

function changes({ readings }: SharedRun): string | undefined {
  const changed = readings.find(({ first, second }) => first !== second);
  return changed && `process ${changed.process} read ${changed.first}, then ${changed.second}`;
}

function intrusions(run: SharedRun): string | undefined {
  const found = afterExcluded(run, ({ to }) => to).find(([one, other]) => other.from <= one.to);
  return found && `${both(found)} were in at once`;
}

function loneliness(run: SharedRun): string | undefined {
  if (together(run).length > 0) return undefined;
  return `none of ${run.readings.length} readings began while another reader was in`;
}

function tokens(run: SharedRun): string | undefined {
  const found = afterExcluded(run, ({ token }) => token).find(
    ([before, after]) => after.token <= before.token,
  );
  return found && `${both(found)} were in one after the other`;
}

function starvation({ expected, turns, writers, readings, readers }: SharedRun) {
  const each = expected / writers.length;
  for (const writer of writers) {
    const taken = turns.filter(({ process }) => process === writer).length;
    if (taken !== each) return `process ${writer} took ${taken} turns, not ${each}`;
  }
  const inOrder = inTime(turns);
  const [first, last] = [inOrder.at(0), inOrder.at(-1)];
  for (const reader of readers) {
    const own = readings.filter(({ process }) => process === reader);
    if (!first || !own.some(({ to }) => to < first.from))
      return `process ${reader} had not begun to read before the first turn`;
    if (!last || !own.some(({ from }) => from > last.to))
      return `process ${reader} no longer read after the last turn`;
  }
  return undefined;
}

function endings({ ends }: SharedRun): string | undefined {
  const odd = ends.find(({ code }) => code !== 0);
  return odd && `process ${odd.process} ended with ${odd.signal ?? `code ${odd.code}`}`;
}

function both([one, other]: readonly [Hold, Hold]): string {
  return `process ${one.process} with token ${one.token} and process ${other.process} with ${other.token}`;
}
