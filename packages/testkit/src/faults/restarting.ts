import { describe, expect, test } from "vitest";
import { print } from "../contract/quiet.js";
import { slack, soon } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import { expire, settled } from "./expiring.js";
import type { Findings } from "./findings.js";
import type { ServerFaults } from "./network.js";
import { Site } from "./site.js";
import { States } from "./states.js";

/** A server that dies and comes back. */
export function describeRestarting(subject: Subject, findings: Findings): void {
  describe("a server that dies", { timeout: 60_000 }, () => {
    test("and is back at once with its data takes nothing from who holds, who waits, and who does neither, but what its traits say", async () => {
      const site = await Site.make(subject);
      const server = serverOf(site);
      if (!server) return;
      const patient = { ttl: 2 * site.ttl };
      const [holder, waiter, idle] = [
        await site.local(patient),
        await site.local(patient),
        await site.local(patient),
      ];
      const states = new States(holder);
      await states.until("connected");
      const { token } = await holder.acquire("x");
      const waiting = waiter.acquire("x");
      waiting.catch(() => {});
      await settled(waiter);
      const followed = holder.follow("x");
      await server.kill();
      await server.start({ data: true });
      await states.until("connected");
      await settled(idle);
      if (site.byTime) {
        expect((await holder.assertHeld("x")).token).toBe(token);
        expect(await idle.tryAcquire("x")).toBeUndefined();
        await holder.release("x");
        expect((await soon(waiting)).token).toBeGreaterThan(token);
      } else {
        const next = await soon(waiting);
        const { at: last } = await followed;
        findings.time({ what: "the server starts again", last, next: next.at });
        expect(next.token).toBeGreaterThan(token);
      }
      await followed;
    });

    test("for longer than a lease has holders told before, and serves who waits when it is back with its data", async () => {
      const site = await Site.make(subject);
      const server = serverOf(site);
      if (!server) return;
      const [holder, listener] = [await site.local(), await site.local()];
      const next = await site.local();
      const [states, others] = [new States(holder), new States(listener)];
      await expire(site, findings, {
        what: "the server is dead for longer than a lease",
        holder,
        listener,
        next,
        fault: async () => {
          await server.kill();
          for (const each of [states, others]) await each.until("lost");
          await server.start({ data: true });
        },
        heal: () => {},
      });
      await settled(holder);
      expect(states.seen).toContain("lost");
    });

    test("and has forgotten everything has its holders told within a beat; the next token is greater where that is promised", async () => {
      const site = await Site.make(subject);
      const server = serverOf(site);
      if (!server) return;
      // A lease must not be what ends it.
      const patient = { ttl: 10 * site.ttl };
      const [holder, waiter] = [await site.local(patient), await site.local(patient)];
      const before = await holder.acquire("x");
      const [lost, waiting] = [holder.lost("x"), waiter.acquire("x")];
      waiting.catch(() => {});
      await settled(waiter);
      await server.kill();
      await server.start({ data: false });
      const at = process.hrtime.bigint();
      const told = await soon(lost);
      findings.revoked("the server forgot everything", { at, told: told.at, beat: site.beat });
      expect(["session", "taken"]).toContain(told.reason);
      const { token } = await soon(waiting);
      const { dataLoss } = site.traits.tokenSurvives;
      if (dataLoss) expect(token).toBeGreaterThan(before.token);
      await waiter.release("x");
      await holder.acquire("x", { timeout: slack });
    });
  });
}

/** What can be done to the server; undefined where there is none, or where it is not ours. */
function serverOf(site: Site): ServerFaults | undefined {
  const { network } = site;
  if (network && !network.server) {
    print(
      `${site.subject.driver.name}: its server is not the tests' to kill, so that is not tested.`,
    );
  }
  if (!network) expect(site.traits.revocable).not.toContain("dataLoss");
  return network?.server;
}
