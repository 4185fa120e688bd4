import { describe, expect, test } from "vitest";
import { pass, slack } from "../contract/meanwhile.js";
import type { Subject } from "../contract/rig.js";
import type { Matcher } from "../proxy/swallow.js";
import { settled } from "./expiring.js";
import type { Findings } from "./findings.js";
import { Site } from "./site.js";

/** An answer that is not lost comes sooner than that, in milliseconds. */
const atOnce = 100;

/** Answers that get lost after the server did what it was asked for. */
export function describeReplies(subject: Subject, findings: Findings): void {
  describe("an answer that gets lost", { timeout: 60_000 }, () => {
    test("of an acquire: the server has granted it, it is asked for again as the same, and held once", async () => {
      const site = await Site.make(subject);
      const way = await wayOf(site);
      if (!way) return servesInProcess(site);
      const { party, proxy, mutations } = way;
      const other = await site.local();
      const { forwarded, cut } = proxy.swallow(mutations.acquire, { cutAfter: 400 });
      const askedAt = performance.now();
      const asked = party.acquire("x");
      const took = asked.then(() => performance.now() - askedAt);
      took.catch(() => {});
      await forwarded;
      await untilBusy(other, "x");
      await cut;
      const { token } = await asked;
      expect(await took).toBeGreaterThan(atOnce);
      expect(await other.tryAcquire("x")).toBeUndefined();
      await party.release("x");
      const next = await other.acquire("x", { timeout: slack });
      expect(next.token).toBeGreaterThan(token);
    });

    test("of a try: it is refused, or granted, and nothing is left over", async () => {
      const site = await Site.make(subject);
      const way = await wayOf(site);
      if (!way) return servesInProcess(site);
      const { party, proxy, mutations } = way;
      const { forwarded } = proxy.swallow(mutations.acquire);
      const asked = party.tryAcquire("x").catch((error: unknown) => error);
      await forwarded;
      const answer = await asked;
      if (answer instanceof Error) expect(answer).toMatchObject({ code: "COORD_UNAVAILABLE" });
      else await party.release("x");
      // Given back, if not by the one who asked then by the clean-up, and not by the end of a session.
      const other = await site.local();
      await other.acquire("x", { timeout: site.traits.crashReleaseMs + slack });
      await settled(party);
      expect(await other.assertHeld("x")).toMatchObject({ token: expect.any(BigInt) });
    });

    test("of a release: the server has freed it, and asking again does not free its successor", async () => {
      const site = await Site.make(subject);
      const way = await wayOf(site);
      if (!way) return servesInProcess(site);
      const { party, proxy, mutations } = way;
      const [other, third] = [await site.local(), await site.local()];
      const { token } = await party.acquire("x");
      const { forwarded, cut } = proxy.swallow(mutations.release, { cutAfter: 400 });
      const askedAt = performance.now();
      const released = party.release("x");
      const took = released.then(() => performance.now() - askedAt);
      took.catch(() => {});
      await forwarded;
      const next = await other.acquire("x", { timeout: slack });
      expect(next.token > token).toBe(true);
      await cut;
      await released;
      expect(await took).toBeGreaterThan(atOnce);
      await settled(party);
      await other.assertHeld("x");
      expect(await third.tryAcquire("x")).toBeUndefined();
    });

    test("of a renewal: nothing is lost; the server reckons with it, and the holder does not", async () => {
      const site = await Site.make(subject);
      const way = await wayOf(site);
      if (!way || !site.byTime) return servesInProcess(site);
      const { party, proxy, mutations } = way;
      const { renew } = mutations;
      if (!renew) {
        throw new Error(
          "Holds end by time here, so give testDriver({ faults: { network: { mutations: { renew } } } }).",
        );
      }
      const other = await site.local();
      const { token } = await party.acquire("x");
      const first = proxy.swallow(renew);
      await first.cut;
      await settled(party);
      expect((await party.assertHeld("x")).token).toBe(token);
      const waiting = other.acquire("x", { timeout: site.traits.crashReleaseMs + slack });
      waiting.catch(() => {});
      await settled(other);
      // One that comes right after another has been answered would not show what it did.
      const { forwarded } = proxy.swallow(renew, { cutAfter: 10 });
      await forwarded;
      proxy.stall();
      const renewedAt = process.hrtime.bigint();
      const remaining = party.hold("x").remaining();
      expect(remaining).toBeLessThan(site.ttl - site.margin - site.beat / 2);
      const [followed, lost] = [party.follow("x"), party.lost("x")];
      const next = await waiting;
      proxy.heal();
      const [{ at: last }, { reason }] = [await followed, await lost];
      expect(reason).toBe("expired");
      findings.time({ what: "the answer to a renewal is lost", last, next: next.at });
      // Not by what was acknowledged, a beat earlier.
      expect(Number(next.at - renewedAt) / 1e6).toBeGreaterThan(site.ttl - site.beat / 2);
    });

    test("to one that dies before it comes: what was granted is free when its time is over, what was released at once; a machine that dies says nothing at all", async () => {
      const site = await Site.make(subject);
      const { network } = site;
      if (!network) return servesInProcess(site);
      const within = site.traits.crashReleaseMs + slack;
      const other = await site.local();
      const doomed = async (match: Matcher | undefined) => {
        const way = await network.proxied(site.url);
        const taker = await site.taker({ url: way.url });
        return { taker, proxy: way.proxy, swallow: () => match && way.proxy.swallow(match) };
      };
      const acquiring = async (): Promise<void> => {
        const { taker, swallow } = await doomed(network.mutations.acquire);
        const swallowed = swallow();
        taker.acquire("acquired").catch(() => {});
        await swallowed?.forwarded;
        await untilBusy(other, "acquired");
        await taker.kill();
        await other.acquire("acquired", { timeout: within });
      };
      const releasing = async (): Promise<void> => {
        const { taker, swallow } = await doomed(network.mutations.release);
        await taker.acquire("released");
        const swallowed = swallow();
        taker.release("released").catch(() => {});
        await swallowed?.forwarded;
        await taker.kill();
        await other.acquire("released", { timeout: slack });
      };
      const silent = async (): Promise<void> => {
        const { taker, proxy } = await doomed(undefined);
        const { token } = await taker.acquire("silent");
        // Neither ends nor resets come from it.
        proxy.stall();
        await taker.kill();
        expect(await other.tryAcquire("silent")).toBeUndefined();
        expect((await other.acquire("silent", { timeout: within })).token).toBeGreaterThan(token);
        proxy.heal();
      };
      await Promise.all([acquiring(), releasing(), silent()]);
    });
  });
}

async function wayOf(site: Site) {
  const way = await site.way();
  const { network } = site;
  if (!way || !network) return undefined;
  const party = await site.local({}, way.url);
  return { party, proxy: way.line.proxy, mutations: network.mutations };
}

/** Waits until the lock is not free to it: so somebody else was granted it, as the server sees it. */
async function untilBusy(other: Awaited<ReturnType<Site["local"]>>, name: string): Promise<void> {
  const end = performance.now() + slack;
  while (await other.tryAcquire(name)) {
    await other.release(name);
    if (performance.now() > end) throw new Error(`${name} was never granted at the server.`);
    await pass(5);
  }
}

/** Where there is no network, or no renewal, none can get lost: what was asked for is done when it is answered. */
async function servesInProcess(site: Site): Promise<void> {
  const [party, other] = [await site.local(), await site.local()];
  const { token } = await party.acquire("x");
  expect(await other.tryAcquire("x")).toBeUndefined();
  await party.release("x");
  expect((await other.acquire("x", { timeout: slack })).token).toBeGreaterThan(token);
}
