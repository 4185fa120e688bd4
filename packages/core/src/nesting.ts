import { AsyncLocalStorage } from "node:async_hooks";
import { CoordError } from "./errors.js";
import type { Hold } from "./hold.js";

/** A call of `run()`, and the one it was called within. */
interface Run {
  /** What all locks of one coordinator have in common, and no others. */
  readonly coordinator: object;
  /** Until its work has ended: what was begun within it may keep it in memory for longer. */
  hold: Hold | undefined;
  outer: Run | undefined;
}

// Made by the first `run()`: who uses none does not pay for following every promise.
let runs: AsyncLocalStorage<Run> | undefined;

/** Calls `work` so that `refuseDeadlock()` knows of the hold wherever `work` leads to. */
export async function runWithin<T>(
  coordinator: object,
  hold: Hold,
  work: (hold: Hold) => T | Promise<T>,
): Promise<T> {
  runs ??= new AsyncLocalStorage();
  const run: Run = { coordinator, hold, outer: stillHeld(runs.getStore()) };
  try {
    return await runs.run(run, work, hold);
  } finally {
    run.hold = undefined;
  }
}

/**
 * Throws COORD_DEADLOCK when the caller is within a `run()` that holds the lock it wants to wait for
 * without an end. Not when that one has released or lost it: then the wait ends.
 */
export function refuseDeadlock(coordinator: object, name: string): void {
  let run = stillHeld(runs?.getStore());
  for (; run; run = run.outer) {
    if (run.coordinator !== coordinator || run.hold?.name !== name) continue;
    throw new CoordError(
      "COORD_DEADLOCK",
      `"${name}" is held by the run() that this one is within: waiting for it would never end. ` +
        "Do all of it in one run(), or wait with a { timeout }.",
    );
  }
}

/**
 * The innermost run that still holds its lock. Those that do not are taken out of the chain: in a
 * loop of which each turn is begun by the one before, it would grow for ever.
 */
function stillHeld(run: Run | undefined): Run | undefined {
  let held = run;
  while (held && !held.hold?.remaining()) held = held.outer;
  if (held) held.outer = stillHeld(held.outer);
  return held;
}
