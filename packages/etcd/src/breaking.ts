import {
  onAbort,
  type BreakOptions,
  type BreakResult,
  type Clock,
  type Link,
} from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";
import { holdersOf, infoOf } from "./holders.js";
import type { Queue } from "./queue.js";
import type { Entry } from "./standing.js";

/** How often at least it is looked whether a holder is gone, in milliseconds: connections break. */
const lookEvery = 500;

interface Means {
  readonly clock: Clock;
  readonly link: Link<Connection>;
  readonly queue: Queue;
}

/** Takes a lock from its holders, or asks them for it: what `Session.break` is to do. */
export async function breakLock(
  means: Means,
  { name, options, signal }: { name: string; options: BreakOptions; signal: AbortSignal },
): Promise<BreakResult> {
  const { force, token } = options;
  const all = holdersOf(await means.queue.all(name));
  const entries = all.filter(({ revision }) => token === undefined || String(token) === revision);
  const holders = entries.map(infoOf);
  if (entries.length === 0) return { outcome: "free", holders };
  if (!force) return { outcome: await askAndWait(means, { name, entries, signal }), holders };
  for (const entry of entries) {
    // So that its holder is told why it is gone.
    await means.queue.ask(entry);
    await means.queue.take(entry);
  }
  return { outcome: "forced", holders };
}

/** Asks holders to give a lock up, and waits until they have, or their leases ran out. */
async function askAndWait(
  { clock, link, queue }: Means,
  {
    name,
    entries: holders,
    signal,
  }: { name: string; entries: readonly Entry[]; signal: AbortSignal },
): Promise<"released" | "expired"> {
  const until = new Map<Entry, number>();
  for (const holder of holders) {
    const { TTL } = await link.connection.timeToLive(holder.lease);
    until.set(holder, clock.now() + Math.max(0, Number(TTL)) * 1000);
  }
  let poke = (): void => {};
  const changed = (how: "Put" | "Delete"): void => {
    if (how === "Delete") poke();
  };
  const listener = { confirmed: () => poke(), changed, ended: () => poke() };
  const { watches } = link.connection;
  const ends = holders.map(({ key }) => watches.watch({ key }, listener));
  try {
    for (const holder of holders) await queue.ask(holder);
    let outcome: "released" | "expired" = "released";
    while (until.size > 0) {
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
      const still = new Set((await queue.all(name)).map(({ revision }) => revision));
      for (const [holder, endsAt] of until) {
        if (still.has(holder.revision)) continue;
        until.delete(holder);
        // Whoever gives it up late still has its lease; who stops then has not, but not for long.
        if (clock.now() < endsAt) continue;
        const { TTL } = await link.connection.timeToLive(holder.lease);
        if (Number(TTL) < 0) outcome = "expired";
      }
    }
    return outcome;
  } finally {
    for (const end of ends) end();
  }
}
