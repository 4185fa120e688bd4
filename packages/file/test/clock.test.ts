import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@coord/core";
import { file } from "@coord/file";
import { LineProcess, Taker } from "@coord/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder, urlOf } from "./place.js";

// All durations are milliseconds, except a clock's steps.
const ttl = 1_500;
const heartbeat = 200;
/** What a lease keeps back: its holder is told so long before others may have the lock. */
const margin = 250;

const hour = 3_600;
const steps: [string, number][] = [
  ["forward", hour],
  ["back", -hour],
];

/**
 * The wall clock of a child process, which can be stepped while that runs: libfaketime takes it from
 * a file each time it is asked. It is told to leave the monotonic clock alone, and then does so with
 * the time since boot too, without which core could not tell a step from a sleep: `os.uptime()` reads
 * /proc/uptime, a file like any other, or where there is none CLOCK_BOOTTIME.
 */
class WallClock {
  readonly #file = join(temporaryFolder(), "wall-clock");

  constructor() {
    this.step(0);
  }

  /** Sets it so many seconds after the machine's, or before. */
  step(seconds: number): void {
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** What a process has to have in its environment to live by it. */
  get env(): Record<string, string | undefined> {
    return {
      // The loader puts in the folder of the machine's architecture.
      LD_PRELOAD: "/usr/$LIB/faketime/libfaketime.so.1",
      FAKETIME: undefined,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // The times of files do not change when somebody sets the clock.
      NO_FAKE_STAT: "1",
    };
  }
}

/** How far a wall clock was from this process's a moment ago; to be compared to the nearest half. */
function hoursAhead(wall: number | Date | undefined): number {
  return (Number(wall) - Date.now()) / 3_600_000;
}

/** Where such a process is killed instead, libfaketime leaves its shared memory behind. */
function endAfterwards(child: Taker | LineProcess): void {
  onTestFinished(async () => {
    await child.end();
    await child[Symbol.asyncDispose]();
  });
}

/** Calls it again and again until a lease that nobody renewed since would have run out. */
async function forLongerThanTtl(check: () => Promise<void>): Promise<void> {
  const end = performance.now() + ttl + heartbeat;
  do {
    await delay(heartbeat / 2);
    await check();
  } while (performance.now() < end);
}

describe("a step of the wall clock by an hour, on file:", () => {
  async function taker(url: string, clock: WallClock): Promise<Taker> {
    const options = { options: { ttl, heartbeat }, env: clock.env };
    const started = await Taker.start({ module: "@coord/file", url, ...options });
    endAfterwards(started);
    return started;
  }

  test.each(steps)("%s: who holds goes on holding, and who waits waiting", async (_, step) => {
    const clock = new WallClock();
    const folder = temporaryFolder();
    await using here = await connect(urlOf(folder), { drivers: [file], ttl, heartbeat });
    const other = await taker(urlOf(folder), clock);
    const { token } = await other.acquire("x");
    const mine = await here.getLock("y").acquire();
    const waiting = other.acquire("y", { timeout: 20_000 });

    clock.step(step);
    await forLongerThanTtl(async () => {
      expect((await other.assertHeld("x")).token).toBe(token);
      expect(await here.getLock("x").tryAcquire()).toBeUndefined();
    });
    await mine.release();
    expect((await waiting).token).toBeGreaterThan(mine.token);
    const [holder] = (await here.getLock("y").inspect()).holders;
    expect(hoursAhead(holder?.since)).toBeCloseTo(step / hour, 0);
    unlinkSync(join(folder, "x"));
    expect(await other.lost("x")).toMatchObject({ reason: "taken" });
  });

  test("and back: tokens grow, in the process that has that clock and in others", async () => {
    const clock = new WallClock();
    const url = urlOf(temporaryFolder());
    await using here = await connect(url, { drivers: [file] });
    const other = await taker(url, clock);
    const tokens: bigint[] = [];
    for (const step of [0, hour, 0, -hour, 0]) {
      clock.step(step);
      for (let turn = 0; turn < 2; turn += 1) {
        tokens.push((await other.acquire("x")).token);
        const [holder] = (await here.getLock("x").inspect()).holders;
        expect(hoursAhead(holder?.since)).toBeCloseTo(step / hour, 0);
        await other.release("x");
        const hold = await here.getLock("x").acquire();
        tokens.push(hold.token);
        await hold.release();
      }
    }
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, two) => (one < two ? -1 : 1)));
  });
});

/**
 * Has a lock, with a lease, and a second coordinator that wants it. It answers each line by one that
 * begins with the same word and goes on with JSON: see `Answers`.
 */
const holder = `
import { uptime } from "node:os";
import { createInterface } from "node:readline";
import { connect } from "@coord/core";
import { processMemory } from "@coord/core/memory";

const options = { ttl: ${ttl}, heartbeat: ${heartbeat} };
const [one, two] = [await connect("memory:", options), await connect("memory:", options)];
let hold = await one.getLock("x").acquire();
let signalled;
hold.signal.addEventListener("abort", () => (signalled = now()));
const now = () => Number(process.hrtime.bigint()) / 1e6;

const answers = {
  clocks: () => ({ now: now(), wall: Date.now(), boot: uptime() * 1000 }),
  check: async () => {
    hold.assertHeld();
    const [{ since }] = (await two.getLock("x").inspect()).holders;
    const busy = (await two.getLock("x").tryAcquire()) === undefined;
    return { busy, remaining: hold.remaining(), since: Number(since) };
  },
  turn: async () => {
    const before = hold;
    await before.release();
    const between = await two.getLock("x").acquire();
    await between.release();
    hold = await one.getLock("x").acquire();
    return { tokens: [before, between, hold].map(({ token }) => Number(token)) };
  },
  down: () => {
    processMemory.down();
    const remaining = hold.remaining();
    return { remaining, ends: now() + remaining };
  },
  lost: async () => {
    let held = 0;
    for (;;) {
      try {
        held = Number(hold.assertHeld()) / 1e6;
      } catch ({ code, reason }) {
        const refused = now();
        while (signalled === undefined) await new Promise(setImmediate);
        return { code, reason, held, refused, signalled };
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
};
console.log("ready");
for await (const word of createInterface({ input: process.stdin }))
  console.log(word + " " + JSON.stringify(await answers[word]()));
process.exit();
`;

interface Answers {
  /** What its three clocks show. */
  clocks: { now: number; wall: number; boot: number };
  /** It is held: whether the other finds it busy, for how long it is sure, and what is recorded. */
  check: { busy: boolean; remaining: number; since: number };
  /** The tokens of this hold and two more, one after the other. */
  turn: { tokens: number[] };
  /** Nothing gets through to the backend any more; when the hold has to end then. */
  down: { remaining: number; ends: number };
  /** When it was last held, then first refused, and its signal aborted. */
  lost: { code: string; reason: string; held: number; refused: number; signalled: number };
}

describe("a step of the wall clock by an hour, on memory:", () => {
  async function started(clock: WallClock) {
    const child = LineProcess.start("--input-type=module", ["-e", holder], clock);
    endAfterwards(child);
    await child.next("ready");
    return async <Word extends keyof Answers>(word: Word): Promise<Answers[Word]> => {
      child.send(word);
      return JSON.parse((await child.next(`${word} `)).slice(word.length));
    };
  }

  test.each(steps)("%s: who holds goes on holding, and tokens grow", async (_, step) => {
    const clock = new WallClock();
    const ask = await started(clock);
    const { since } = await ask("check");
    const before = await ask("clocks");
    clock.step(step);
    const after = await ask("clocks");
    expect(hoursAhead(after.wall)).toBeCloseTo(step / hour, 0);
    // Were it a step of these too, it would be taken for sleep.
    expect(Math.abs(after.now - before.now)).toBeLessThan(60_000);
    expect(Math.abs(after.boot - before.boot)).toBeLessThan(60_000);

    await forLongerThanTtl(async () => {
      const { remaining, ...rest } = await ask("check");
      expect(rest).toEqual({ busy: true, since });
      expect(remaining).toBeLessThanOrEqual(ttl - margin);
    });
    const { tokens } = await ask("turn");
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, two) => one - two));
  });

  test.each(steps)("%s, and the other way: a lease runs out in time", async (_, step) => {
    const clock = new WallClock();
    const ask = await started(clock);
    clock.step(step);
    expect((await ask("check")).busy).toBe(true);
    const { remaining, ends } = await ask("down");
    clock.step(-step);
    const { code, reason, held, refused, signalled } = await ask("lost");

    expect({ code, reason }).toEqual({ code: "COORD_LOST", reason: "expired" });
    expect(remaining).toBeLessThanOrEqual(ttl - margin);
    // That holds however slow the machine is; the rest has to leave room for it.
    expect(held).toBeLessThan(ends);
    expect(refused).toBeGreaterThan(ends - margin);
    expect(signalled).toBeGreaterThan(ends - margin);
    expect(signalled).toBeLessThan(ends + 5_000);
  });
});
