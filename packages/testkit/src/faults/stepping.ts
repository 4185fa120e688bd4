import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { pass, slack } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import { expire } from "./expiring.js";
import type { Findings } from "./findings.js";
import type { Party } from "./party.js";
import { ShiftedClock } from "./shifted-clock.js";
import { Site } from "./site.js";
import { WallClock } from "./wall-clock.js";

const hour = 3_600_000;

/** Clocks that somebody sets, and machines that sleep. */
export function describeStepping(subject: Subject, findings: Findings): void {
  describe("a step of the wall clock by an hour", { timeout: 60_000 }, () => {
    test("forward or back takes nothing from who holds or waits, and gives nobody more time", async () => {
      const site = await Site.make(subject);
      const other = await site.local();
      await Promise.all(
        [hour, -hour].map(async (ms) => {
          const [x, y] = [`x ${ms}`, `y ${ms}`];
          const { party, step } = await withOwnClock(site);
          const { token } = await party.acquire(x);
          const mine = await other.acquire(y);
          const waiting = party.acquire(y, { timeout: slack + 2 * site.ttl });
          waiting.catch(() => {});
          step(ms);
          for (const end = performance.now() + 1.2 * site.ttl; performance.now() < end;) {
            await pass(site.ttl / 10);
            expect((await party.assertHeld(x)).token).toBe(token);
            expect(await other.tryAcquire(x)).toBeUndefined();
          }
          await other.release(y);
          const next = await waiting;
          expect(next.token).toBeGreaterThan(mine.token);
          step(-ms);
          await party.release(x);
          expect((await other.acquire(x, { timeout: slack })).token).toBeGreaterThan(token);
        }),
      );
    });
  });

  describe("a machine that sleeps", { timeout: 60_000 }, () => {
    test("for longer than a lease has lost, when it wakes, what it held by time, and nothing else", async () => {
      const site = await Site.make(subject);
      const clock = new ShiftedClock();
      const [holder, listener] = [await site.local({ clock }), await site.local({ clock })];
      const next = await site.local();
      await holder.acquire("x");
      // A session whose death frees its locks at once may still be one that has to be heard of in time.
      if (holder.hold("x").remaining() === Infinity) {
        clock.sleep(hour);
        await holder.assertHeld("x");
        expect(await next.tryAcquire("x")).toBeUndefined();
        return;
      }
      await holder.acquire("first look");
      await expire(site, findings, {
        what: "the holder's machine sleeps",
        holder,
        listener,
        next,
        fault: async () => {
          clock.sleep(site.ttl);
          const reason = { code: "COORD_LOST", reason: "expired" };
          await expect(holder.assertHeld("first look")).rejects.toMatchObject(reason);
        },
        heal: () => {},
      });
    });
  });
}

/** Where nothing steps, nothing would be tested. */
async function provesToStep(clock: WallClock): Promise<void> {
  clock.step(hour / 1_000);
  const env = { ...process.env, ...clock.env };
  const { stdout } = await promisify(execFile)(process.execPath, ["-p", "Date.now()"], { env });
  expect(Math.abs(Number(stdout) - Date.now() - hour)).toBeLessThan(hour / 2);
  clock.step(0);
}

/** Somebody with a wall clock that nobody else has. */
async function withOwnClock(site: Site): Promise<{ party: Party; step: (ms: number) => void }> {
  if (!site.apart) {
    const clock = new ShiftedClock();
    return { party: await site.local({ clock }), step: (ms) => clock.step(ms) };
  }
  if (WallClock.problem) throw new Error(`The wall clock cannot be stepped: ${WallClock.problem}.`);
  const clock = new WallClock();
  onTestFinished(() => clock[Symbol.dispose]());
  await provesToStep(clock);
  const party = await site.taker({ env: clock.env });
  onTestFinished(async () => void (await party.end()));
  let ahead = 0;
  return { party, step: (ms) => clock.step((ahead += ms) / 1_000) };
}
