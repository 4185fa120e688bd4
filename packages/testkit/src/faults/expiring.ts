import { expect } from "vitest";
import { slack } from "../contract/meanwhile.js";
import type { Findings } from "./findings.js";
import type { Party } from "./party.js";
import type { Site } from "./site.js";

/** A fault of time, done to one holder. */
export interface Expiry {
  readonly what: string;
  /** It looks at its hold all the time. */
  readonly holder: Party;
  /**
   * Another one to whom the same happens, with a session of its own: it never looks, and so has to be
   * told. Given where event loops run meanwhile.
   */
  readonly listener?: Party;
  /** Whoever waits for what it holds. */
  readonly next: Party;
  /** Keeps the holder from being heard of; or only lets it stand still. */
  readonly fault: () => Promise<void> | void;
  /** Whether both ends hear of it at the same moment, where that alone frees: who is first is chance. */
  readonly isHeardByBoth?: boolean;
  /** Once the next one has it. */
  readonly heal: () => Promise<void> | void;
}

/**
 * Has holds end by time, and judges by the clock that all processes share who had them when. Gives
 * when the listener was told, or else the holder, and the names, which the next one has then.
 */
export async function expire(
  site: Site,
  findings: Findings,
  { what, holder, listener, next, fault, isHeardByBoth, heal }: Expiry,
): Promise<{ lost: bigint; names: readonly string[] }> {
  const losers = listener ? [holder, listener] : [holder];
  const names = losers.map(() => `${what} ${crypto.randomUUID()}`);
  const before = await Promise.all(losers.map((loser, index) => loser.acquire(names[index] ?? "")));
  const followed = holder.follow(names[0] ?? "");
  const told = Promise.all(losers.map((loser, index) => loser.lost(names[index] ?? "")));
  told.catch(() => {});
  const timeout = site.traits.crashReleaseMs + slack;
  const waiting = names.map((name) => next.acquire(name, { timeout }));
  for (const each of waiting) each.catch(() => {});
  await settled(next);
  await fault();
  const [first, second] = await Promise.all(waiting);
  await heal();
  const [{ at: last }, losses] = [await followed, await told];
  const lost = losses.at(-1)?.at ?? 0n;
  if (isHeardByBoth) {
    findings.revoked(what, { at: first?.at ?? 0n, told: last, beat: 0 });
    if (second) findings.revoked(what, { at: second.at, told: lost, beat: 0 });
  } else {
    const signal = second && { at: lost, next: second.at };
    findings.time({ what, last, next: first?.at ?? 0n, ...(signal ? { signal } : {}) });
  }
  for (const [index, taken] of [first, second].slice(0, losers.length).entries()) {
    expect(["expired", "session"]).toContain(losses[index]?.reason);
    expect(taken?.token).toBeGreaterThan(before[index]?.token ?? 0n);
    const still = losers[index]?.assertHeld(names[index] ?? "");
    await expect(still).rejects.toMatchObject({ code: "COORD_LOST" });
  }
  return { lost, names };
}

/** What it asked before has reached the backend. */
export async function settled(party: Party): Promise<void> {
  const name = `settled ${crypto.randomUUID()}`;
  await party.acquire(name);
  await party.release(name);
}
