import { setTimeout as pause } from "node:timers/promises";
import type { Acquire, Locker, Release } from "./backend.js";
import { TurnsLog } from "./turns-log.js";

/** How much was done in how long. */
export interface Work {
  readonly done: number;
  readonly ns: number;
}

/** What became of taking many locks to keep them. */
export interface Taken {
  readonly count: number;
  /** Why it is no more of them. */
  readonly refused?: string;
  /** Memory of each: used on V8's heap, and resident outside of it. */
  readonly bytes: number;
}

const now = (): bigint => process.hrtime.bigint();
const kept: Release[] = [];

/** What a worker process can be told to do. All instants are of `process.hrtime.bigint()`. */
export const jobs = {
  /** Acquires and releases one lock over and over. */
  async loop(locker: Locker, name: string, ms: number): Promise<Work> {
    const acquire = locker.lock(name);
    const from = now();
    const until = from + BigInt(ms * 1e6);
    let done = 0;
    let at = from;
    do {
      // The clock is no part of what is measured.
      for (let cycle = 0; cycle < 16; cycle += 1) await acquireAndRelease(acquire);
      done += 16;
      at = now();
    } while (at < until);
    return { done, ns: Number(at - from) };
  },

  /** Acquires and releases many locks, all at once, over and over. */
  async wave(locker: Locker, name: string, count: number, ms: number): Promise<Work> {
    const locks = Array.from({ length: count }, (_, number) => locker.lock(`${name}-${number}`));
    const from = now();
    const until = from + BigInt(ms * 1e6);
    let done = 0;
    let at = from;
    do {
      await Promise.all(locks.map(acquireAndRelease));
      done += count;
      at = now();
    } while (at < until);
    return { done, ns: Number(at - from) };
  },

  /** Takes turns at one lock, asking again at once, from an instant on and until another. */
  async turns(locker: Locker, name: string, from: bigint, until: bigint): Promise<BigInt64Array> {
    const acquire = locker.lock(name);
    const log = new TurnsLog();
    await pause(Math.max(0, Number(from - now()) / 1e6));
    for (let asked = now(); asked < until; asked = now()) {
      const acquired = acquire();
      const release = acquired instanceof Promise ? await acquired : acquired;
      const got = now();
      const left = now();
      const released = release();
      if (released) await released;
      log.add(asked, got, left);
    }
    return log.instants();
  },

  /** Takes many locks and keeps them, fewer where something refuses more. Needs node's --expose-gc. */
  async hold(locker: Locker, name: string, count: number, settleMs: number): Promise<Taken> {
    // What is loaded and compiled once is no part of what a lock takes.
    await jobs.wave(locker, `${name}-before`, 100, 0);
    const before = footprint();
    let refused: string | undefined;
    for (let from = 0; from < count && refused === undefined; from += 100) {
      const names = Array.from({ length: Math.min(100, count - from) }, (_, n) => from + n);
      const answers = await Promise.allSettled(
        names.map(async (number) => locker.lock(`${name}-${number}`)()),
      );
      for (const answer of answers) {
        if (answer.status === "fulfilled") kept.push(answer.value);
        else refused = String(answer.reason);
      }
    }
    // At the very limit nothing works any more: nobody could be at rest there.
    if (refused !== undefined) for (const release of kept.splice(-100)) await release();
    await pause(settleMs);
    const bytes = (footprint() - before) / kept.length;
    return { count: kept.length, bytes, ...(refused === undefined ? {} : { refused }) };
  },

  /** Does nothing but what holding takes; answers how much of one core that was, in per cent. */
  async rest(_locker: Locker, ms: number): Promise<number> {
    const from = now();
    const before = process.cpuUsage();
    await pause(ms);
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1e5) / Number(now() - from);
  },

  /** Waits for a lock and keeps it. */
  async take(locker: Locker, name: string): Promise<{ asked: bigint; got: bigint }> {
    const asked = now();
    const release = await locker.lock(name)();
    const got = now();
    kept.push(release);
    return { asked, got };
  },

  /** Gives back all that was kept. */
  async giveBack(): Promise<void> {
    for (const release of kept.splice(0)) await release();
  },
};

/** What each job is called by, what it takes and gives. */
export type Jobs = typeof jobs;

/** Awaits only where there is something to wait for, so that the floor does not pay for it. */
async function acquireAndRelease(acquire: Acquire): Promise<void> {
  const acquired = acquire();
  const release = acquired instanceof Promise ? await acquired : acquired;
  const released = release();
  if (released) await released;
}

/** What is free on V8's heap is left out: it says how much was used before. */
function footprint(): number {
  if (!globalThis.gc) throw new Error("the worker needs --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return heapUsed + Math.max(0, rss - heapTotal);
}
