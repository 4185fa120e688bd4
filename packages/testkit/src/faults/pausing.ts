import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCoordError } from "@coord/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { pass } from "../contract/meanwhile.js";
import { expire } from "./expiring.js";
import { Fenced } from "./fence.js";
import type { Findings } from "./findings.js";
import type { Subject } from "../contract/rig.js";
import { Site } from "./site.js";

/** Holders that do nothing for a while: they are stopped, or busy. */
export function describePausing(subject: Subject, findings: Findings): void {
  describe("a holder that is paused", { timeout: 60_000 }, () => {
    test("beyond its lease has lost at its first look what another has since, and its late write is refused; without a lease it has it still", async () => {
      const site = await Site.make(subject);
      const [holder, next] = [await site.mortal(), await site.local()];
      if (!site.byTime) {
        const { token } = await holder.acquire("x");
        await holder.pause();
        const taken = await next.tryAcquire("x", { timeout: site.ttl / 4 });
        holder.resume();
        // A connection may have been given up meanwhile.
        const still = await holder.assertHeld("x").then(
          (held) => held.token === token,
          (error: unknown) => isCoordError(error, "COORD_LOST") && "lost",
        );
        expect(still).toBe(taken ? "lost" : true);
        return;
      }
      const fence = new Fenced();
      let late = 0n;
      const pause = async (): Promise<void> => {
        late = (await holder.acquire("fenced")).token;
        expect(fence.write(late)).toBe(true);
        await holder.pause();
      };
      const resume = async (): Promise<void> => {
        const { token } = await next.acquire("fenced", { timeout: site.ttl });
        expect([fence.write(token), fence.write(late)]).toEqual([true, false]);
        holder.resume();
      };
      const what = "the holder is paused";
      const { names } = await expire(site, findings, {
        what,
        holder,
        next,
        fault: pause,
        heal: resume,
      });
      for (const name of names) {
        await holder.release(name);
        await next.assertHeld(name);
      }
    });

    test("for less than that loses nothing, and four who count while they are paused lose no addition", async () => {
      const site = await Site.make(subject);
      const folder = await mkdtemp(join(tmpdir(), "coord-count-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, "number");
      const four = await Promise.all(Array.from({ length: 4 }, () => site.mortal()));
      let counting = true;
      const counts = Promise.all(four.map((party) => party.count("x", { file, turns: 25 })));
      void counts.finally(() => (counting = false)).catch(() => {});
      for (let turn = 0; counting || turn < 8; turn++) {
        const party = four[turn % four.length];
        await party?.pause();
        await pass(20 + (turn % 4) * 20);
        party?.resume();
        await pass(5);
      }
      await counts;
      expect(await readFile(file, "utf8")).toMatch(/^100\b/);
    });
  });

  describe("a holder whose event loop is blocked", { timeout: 60_000 }, () => {
    test("for longer than its lease has lost it in the first line after; without a lease it has it still", async () => {
      const site = await Site.make(subject);
      if (!site.apart) {
        // The backend stands still as well.
        const holder = await site.local();
        await holder.acquire("x");
        const hold = holder.hold("x");
        const { signal } = hold;
        for (const end = performance.now() + site.ttl; performance.now() < end;);
        expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "expired" }));
        expect(signal.aborted).toBe(true);
        return;
      }
      const [holder, next] = [await site.taker(), await site.local()];
      if (!site.byTime) {
        const { token } = await holder.acquire("x");
        expect((await holder.block("x", site.ttl / 4)).token).toBe(token);
        return;
      }
      await holder.acquire("blocked");
      let blocked: Promise<unknown> = Promise.resolve();
      await expire(site, findings, {
        what: "the holder's event loop is blocked",
        holder,
        next,
        fault: () => {
          blocked = holder.block("blocked", site.traits.crashReleaseMs + site.ttl / 2);
          blocked.catch(() => {});
        },
        heal: () =>
          expect(blocked).rejects.toMatchObject({ code: "COORD_LOST", reason: "expired" }),
      });
      // The signal was aborted by then, not by a timer that had its turn.
      expect(await holder.lost("blocked")).toMatchObject({ reason: "expired" });
    });
  });
}
