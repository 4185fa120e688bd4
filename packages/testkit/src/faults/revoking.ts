import { describe, expect, test } from "vitest";
import { pass, slack, soon, turns } from "../contract/meanwhile.js";
import { Rig, type Subject } from "../contract/rig.js";
import { settled } from "./expiring.js";
import type { Findings } from "./findings.js";
import { Site } from "./site.js";

/** What the backend takes away, and how its holder hears of that. */
export function describeRevoking(subject: Subject, findings: Findings): void {
  describe("a hold that is revoked", { timeout: 60_000 }, () => {
    test("is told to its holder within a beat, in whatever way it is taken; it is not taken back, and its successor has a greater token", async () => {
      const site = await Site.make(subject);
      const [holder, next, third] = [await site.local(), await site.local(), await site.local()];
      const takings: ((name: string) => Promise<unknown>)[] = [];
      const { revocable } = site.traits;
      if (revocable.some((cause) => cause === "removal" || cause === "revocation")) {
        const { faults } = subject;
        if (!faults?.revoke)
          throw new Error("The traits say what is revocable: give faults.revoke.");
        takings.push(async (name) => faults.revoke?.(site.url, name));
      }
      if (revocable.includes("break")) {
        takings.push((name) => third.coordinator.getLock(name).break({ force: true }));
      }
      const rounds = process.env["COORD_TEST_SHORT"] ? 2 : 5;
      for (const [index, take] of takings.entries()) {
        for (let round = 0; round < rounds; round++) {
          const name = `x${index}-${round}`;
          const { token } = await holder.acquire(name);
          const waiting = next.acquire(name, { timeout: slack });
          waiting.catch(() => {});
          await settled(next);
          // Not always at the same time after a beat.
          await pass((site.beat / rounds) * round);
          const lost = holder.lost(name);
          const at = process.hrtime.bigint();
          await take(name);
          const told = await soon(lost);
          findings.revoked("a hold is revoked", { at, told: told.at, beat: site.beat });
          expect((await waiting).token).toBeGreaterThan(token);
          await holder.release(name);
        }
      }
      // No renewal takes any of them back.
      await pass(2 * site.beat);
      for (const [index] of takings.entries()) {
        for (let round = 0; round < rounds; round++) {
          const name = `x${index}-${round}`;
          await expect(holder.assertHeld(name)).rejects.toMatchObject({ code: "COORD_LOST" });
          await next.assertHeld(name);
          expect(await third.tryAcquire(name)).toBeUndefined();
        }
      }
      if (takings.length === 0) await settled(holder);
    });
  });

  describe("the signal of a hold", () => {
    test("is not aborted by a release, and is when it is asked for after the loss", async () => {
      const site = await Site.make(subject);
      const { coordinator } = await site.local();
      const hold = await coordinator.getLock("x").acquire();
      const { signal } = hold;
      await hold.release();
      await pass(site.beat);
      expect([signal.aborted, hold.signal.aborted]).toEqual([false, false]);
      const lost = await coordinator.getLock("x").acquire();
      await coordinator.stop();
      expect(lost.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "closed" });
    });

    test("may have a listener that throws: others hear of the loss, and the coordinator goes on", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const { revocable } = coordinator.traits;
      const holds = [
        await coordinator.getLock("x").acquire(),
        await coordinator.getLock("y").acquire(),
      ];
      const error = new Error("of a listener");
      const thrown = caught();
      let told = false;
      for (const [index, { signal }] of holds.entries()) {
        signal.addEventListener("abort", () => {
          if (index === 0) throw error;
        });
        signal.addEventListener("abort", () => (told ||= index === 0));
      }
      if (revocable.includes("break")) {
        await (await rig.lock("x")).break({ force: true });
        await soon(thrown.first);
        holds[1]?.assertHeld();
        await (await coordinator.getLock("x").acquire({ timeout: slack })).release();
      } else {
        await coordinator.stop();
        await soon(thrown.first);
      }
      await turns(2);
      thrown.end();
      expect([thrown.errors, told]).toEqual([[error], true]);
    });
  });
}

/** What nobody catches from now on, which ends no process and fails no test until `end()`. */
function caught(): { errors: unknown[]; first: Promise<void>; end(): void } {
  const errors: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  let tell = (): void => {};
  const first = new Promise<void>((resolve) => (tell = resolve));
  const listener = (error: unknown): void => {
    errors.push(error);
    tell();
  };
  process.on("uncaughtException", listener);
  const end = (): void => {
    process.off("uncaughtException", listener);
    for (const each of before) process.on("uncaughtException", each);
  };
  return { errors, first, end };
}
