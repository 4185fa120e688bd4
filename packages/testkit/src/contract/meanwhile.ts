import type { Coordinator } from "@coord/core";
import type { Victim } from "./victim.js";

/** How long a machine that is busy with other things may take over nothing, in milliseconds. */
export const slack = 5_000;

/** How often something is asked by `reached()`: more often than anything is before it is in line. */
export const untilReached = 3;

/**
 * Resolves when all that somebody asked before has reached the backend: what is asked later has been
 * answered, and was given back.
 */
export async function reached(who: Coordinator | Victim): Promise<void> {
  const name = `reached-${crypto.randomUUID()}`;
  for (let time = 0; time < untilReached; time++) {
    if ("getLock" in who) {
      await (await who.getLock(name).acquire()).release();
    } else {
      await who.acquire(name);
      await who.release(name);
    }
  }
}

/** What is to come now, if only the machine gets to it; rejects when it does not. */
export function soon<T>(promise: Promise<T>): Promise<T> {
  const asked = new Error(`Nothing came within ${slack} ms.`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(asked), slack);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** So many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** Lets time pass, to see that nothing happens. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
