import { onAbort, type Clock } from "@coord/core/driver";
import type { Entry } from "./server.js";

/** How often at least it is looked whether a holder is gone, in milliseconds: its word may get lost. */
const lookEvery = 500;

/** Waits until those who were asked to give a lock back have, or their time ran out. */
export async function awaitGivenBack(
  {
    clock,
    find,
    given,
  }: {
    clock: Clock;
    /** Who holds it now. */
    find: () => Promise<readonly Entry[]>;
    /** Who wants to be told of what is given back. */
    given: Set<(owner: string) => void>;
  },
  { entries, left, signal }: { entries: readonly Entry[]; left: number; signal: AbortSignal },
): Promise<"released" | "expired"> {
  const owners = new Set(entries.map(([owner]) => owner));
  const until = clock.now() + left;
  let poke = (): void => {};
  const told = (owner: string): void => {
    if (owners.delete(owner)) poke();
  };
  given.add(told);
  try {
    while (owners.size > 0) {
      await new Promise<void>((resolve) => {
        poke = () => {
          timer.cancel();
          unlisten();
          resolve();
        };
        const timer = clock.timer(lookEvery, () => poke());
        const unlisten = onAbort(signal, () => poke());
      });
      signal.throwIfAborted();
      if (owners.size === 0) break;
      const still = new Set((await find()).map(([owner]) => owner));
      const gone = [...owners].filter((owner) => !still.has(owner));
      for (const owner of gone) owners.delete(owner);
      if (gone.length > 0 && owners.size === 0 && clock.now() >= until) return "expired";
    }
    return "released";
  } finally {
    given.delete(told);
  }
}
