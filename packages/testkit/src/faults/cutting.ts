import { describe, expect, test } from "vitest";
import { pass, slack } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import { expire, settled } from "./expiring.js";
import type { Findings } from "./findings.js";
import { breaks } from "./line.js";
import { Site } from "./site.js";
import { States } from "./states.js";

/** How many ways are broken at once. */
const atOnce = 2;

/** A way to the backend by which nothing comes for longer than the backend waits. */
export function describeCutting(subject: Subject, findings: Findings): void {
  describe("a way to the backend", { timeout: 60_000 }, () => {
    test("that breaks for longer than a lease, in whatever manner, has holders told before others are served, and not long before; where there is none, nothing is a matter of time", async () => {
      const site = await Site.make(subject);
      const probe = await site.lined();
      if (!probe) return isNoMatterOfTime(site);
      const kinds = probe.line.proxy ? Object.entries(breaks) : Object.entries(breaks).slice(1, 2);
      const survive = async ([what, fault]: (typeof kinds)[number]): Promise<void> => {
        const way = await site.lined();
        if (!way) return;
        const { party: holder, line } = way;
        const listener = await way.another();
        const states = new States(holder);
        await states.until("connected");
        await listener.acquire(`usable ${what}`);
        let [cutAt, usable] = [0n, 0];
        const { lost, names } = await expire(site, findings, {
          what: `the way ${what}`,
          holder,
          listener,
          next: await site.local(),
          fault: () => {
            fault(line);
            cutAt = process.hrtime.bigint();
            usable = listener.hold(`usable ${what}`).remaining();
          },
          isHeardByBoth: what === "is cut" && site.traits.liveness === "connection",
          heal: () => line.heal(),
        });
        if (site.byTime) {
          expect(usable).toBeGreaterThan(site.ttl - site.margin - site.beat - slack / 5);
          expect(Number(lost - cutAt) / 1e6).toBeGreaterThan(usable - 5);
        }
        // It goes on in a new session, and what was lost stays lost.
        await states.until("connected");
        expect(states.seen.filter((state) => state === "lost")).toHaveLength(1);
        await settled(holder);
        for (const name of names.slice(0, 1)) {
          await expect(holder.assertHeld(name)).rejects.toMatchObject({ code: "COORD_LOST" });
        }
      };
      // All at once, they would keep a machine so busy that leases end by that.
      for (let from = 0; from < kinds.length; from += atOnce) {
        await Promise.all(kinds.slice(from, from + atOnce).map(survive));
      }
    });

    test("that breaks for less than that is suspended and connected again: what is held stays, with its token, and who waits is served", async () => {
      const site = await Site.make(subject);
      // So that a busy machine does not make it too long.
      const patient = { ttl: 2 * site.ttl };
      const ways = [await site.lined(patient), await site.lined(patient)];
      const [held, waits] = ways;
      if (!held || !waits) return isNoMatterOfTime(site);
      const other = await site.local(patient);
      const [states, others] = [new States(held.party), new States(waits.party)];
      for (const each of [states, others]) await each.until("connected");
      for (const kind of ["stall", "cut"] as const) {
        const name = `through a ${kind}`;
        const { token } = await held.party.acquire(name);
        const waiting = waits.party.acquire(name);
        waiting.catch(() => {});
        await settled(waits.party);
        for (const { line } of [held, waits]) line[kind]();
        for (const each of [states, others]) await each.until("suspended");
        for (const { line } of [held, waits]) line.heal();
        for (const each of [states, others]) await each.until("connected");
        if (site.byTime) {
          expect((await held.party.assertHeld(name)).token).toBe(token);
          expect(await other.tryAcquire(name)).toBeUndefined();
          expect(states.seen).not.toContain("lost");
        }
        await held.party.release(name);
        expect((await waiting).token).toBeGreaterThan(token);
        await waits.party.release(name);
      }
    });

    test("that breaks again and again costs nobody who holds or waits anything, not even just when a lock is released", async () => {
      const site = await Site.make(subject);
      const patient = { ttl: 2 * site.ttl };
      const [held, waits] = [await site.lined(patient), await site.lined(patient)];
      if (!held || !waits) return isNoMatterOfTime(site);
      const rounds = process.env["COORD_TEST_SHORT"] ? 3 : 10;
      for (let round = 0; round < rounds; round++) {
        const { token } = await held.party.acquire("x", { timeout: slack });
        const waiting = waits.party.acquire("x");
        waiting.catch(() => {});
        await settled(waits.party);
        held.line.cut();
        held.line.heal();
        await settled(held.party);
        if (site.byTime) await held.party.assertHeld("x");
        // The news that it is free has nobody to come to.
        waits.line.cut();
        await held.party.release("x");
        waits.line.heal();
        expect((await waiting).token).toBeGreaterThan(token);
        await waits.party.release("x");
      }
    });

    test("that stalls and breaks while a lock is given back, for longer than that is waited for but not than a lease, leaves nothing held", async () => {
      const site = await Site.make(subject);
      // So that a driver may wait for its connection for longer than core does for the driver.
      const patient = { ttl: 30_000 };
      const way = await site.lined(patient);
      if (!way) return isNoMatterOfTime(site);
      const { party, line } = way;
      const other = await site.local(patient);
      const { token } = await party.acquire("x");
      line.stall();
      const refused = await party.release("x").catch((error: unknown) => error);
      if (site.byTime) expect(refused).toMatchObject({ code: "COORD_UNAVAILABLE" });
      // Until core has had time to ask again.
      await pass(500);
      line.cut();
      line.heal();
      const next = await other.acquire("x", { timeout: slack });
      expect(next.token).toBeGreaterThan(token);
      await other.release("x");
      expect((await party.acquire("x", { timeout: slack })).token).toBeGreaterThan(next.token);
      await party.release("x");
    });

    test("that is slow has renewals under way all the time, and none of them is taken for a loss", async () => {
      const site = await Site.make(subject);
      const way = await site.lined({ heartbeat: 20 });
      if (!way) return isNoMatterOfTime(site);
      const { party, line } = way;
      line.proxy?.delay(10);
      const rounds = process.env["COORD_TEST_SHORT"] ? 5 : 20;
      for (let round = 0; round < rounds; round++) {
        await party.acquire("x");
        await pass(round * 2);
        const { signal } = party.hold("x");
        await party.release("x");
        await pass(5);
        expect(signal.aborted).toBe(false);
      }
    });
  });
}

/** Where there is nothing between client and backend that could break. */
export async function isNoMatterOfTime(site: Site): Promise<void> {
  const party = await site.local();
  await party.acquire("x");
  expect([site.byTime, site.traits.reach]).toEqual([false, "host"]);
  expect(party.hold("x").remaining()).toBe(Infinity);
  await party.release("x");
}
