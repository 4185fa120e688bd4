import { onAbort, type BreakOptions, type BreakResult, type Clock } from "@coord/core/driver";
import { infoOf } from "./holders.js";
import type { Entry, Server } from "./server.js";

/** How often at least it is looked whether a holder is gone, in milliseconds: its word may get lost. */
const lookEvery = 500;

interface Tools {
  readonly server: Server;
  readonly clock: Clock;
  /** Who wants to be told of what is given back. */
  readonly given: Set<(owner: string) => void>;
}

/** Takes a lock from its holders; without force, when they have given it back or their time ran out. */
export async function breakLock(
  tools: Tools,
  { name, options, signal }: { name: string; options: BreakOptions; signal: AbortSignal },
): Promise<BreakResult> {
  const [entries, left] = await tools.server.break(name, options);
  const holders = entries.map(infoOf);
  if (holders.length === 0) return { outcome: "free", holders };
  if (options.force) return { outcome: "forced", holders };
  return { outcome: await givenBack(tools, { name, entries, left, signal }), holders };
}

async function givenBack(
  { server, clock, given }: Tools,
  asked: { name: string; entries: readonly Entry[]; left: number; signal: AbortSignal },
): Promise<"released" | "expired"> {
  const { name, entries, left, signal } = asked;
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
      const still = new Set((await server.inspect(name))[0].map(([owner]) => owner));
      const gone = [...owners].filter((owner) => !still.has(owner));
      for (const owner of gone) owners.delete(owner);
      if (gone.length > 0 && owners.size === 0 && clock.now() >= until) return "expired";
    }
    return "released";
  } finally {
    given.delete(told);
  }
}
