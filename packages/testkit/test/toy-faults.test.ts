import { describe, expect, test } from "vitest";
import { beat, margin, now, Place, slack, told, ttl, Watch } from "./toy/place.js";

describe("a server that answers", () => {
  test("keeps what is held for as long as it is held, however often the ttl passes", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    await new Promise((resolve) => setTimeout(resolve, 1.25 * ttl));
    hold.assertHeld({ atLeast: ttl - margin - beat - slack / 2 });
    expect(await other.tryAcquire()).toBeUndefined();
    await hold.release();
  });
});

describe("a server that dies", () => {
  test("has its holders told before their leases end, and not long before", async () => {
    const place = await Place.make();
    const coordinator = await place.start();
    const hold = await coordinator.getLock("x").acquire();
    const lost = told(hold);
    await place.backend.process.kill();
    // Nothing is acknowledged any more: so much is left of the lease, but for the margin.
    const [killedAt, usable] = [now(), hold.remaining()];
    expect(usable).toBeGreaterThan(ttl - margin - beat - slack / 2);
    const { at, reason } = await lost;
    expect(reason).toBe("expired");
    expect(at - killedAt).toBeGreaterThan(usable - 2);
    expect(at - killedAt).toBeLessThan(usable + margin);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "expired" }));
  });

  test("and is started without its data has its holders told at once, and serves new sessions", async () => {
    const place = await Place.make();
    const [one, other] = [await place.start({ ttl: 10_000 }), await place.start({ ttl: 10_000 })];
    const hold = await one.getLock("x").acquire();
    const lost = told(hold);
    const waiting = other.getLock("x").acquire();
    await place.restart();
    const startedAt = now();
    const { at, reason } = await lost;
    expect(reason).toBe("session");
    expect(at - startedAt).toBeLessThan(1_000 + 100 + slack);
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
    const again = await one.getLock("x").acquire();
    expect(again.token).toBeGreaterThan(next.token);
    await again.release();
  });
});

describe("a server that stands still", () => {
  test("for less than the lease leaves what is held held: suspended, then connected", async () => {
    const place = await Place.make();
    const [holder, other] = [
      await place.start({ ttl: 4_000, heartbeat: 300 }),
      await place.start({ ttl: 4_000, heartbeat: 300 }),
    ];
    const watch = new Watch(holder);
    const hold = await holder.getLock("x").acquire();
    await place.backend.process.pause();
    await watch.until("suspended");
    hold.assertHeld();
    await expect(holder.getLock("y").tryAcquire()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    place.backend.process.resume();
    await watch.until("connected");
    hold.assertHeld();
    expect(await other.getLock("x").tryAcquire({ timeout: slack })).toBeUndefined();
    expect(watch.seen).toEqual(["connected", "suspended", "connected"]);
    await hold.release();
  });

  test("for longer loses it, and whoever waits gets it later with a greater token", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const watches = [new Watch(holder), new Watch(other)];
    const hold = await holder.getLock("x").acquire();
    const lost = told(hold);
    const waiting = other.getLock("x").acquire();
    await other.getLock("x").inspect();
    await place.backend.process.pause();
    for (const watch of watches) await watch.until("lost");
    expect((await lost).reason).toBe("expired");
    place.backend.process.resume();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
    await next.release();
    for (const watch of watches) await watch.until("connected");
  });

  test("while somebody gives up waiting does not grant to them later", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const hold = await holder.getLock("x").acquire();
    await place.backend.process.pause();
    const controller = new AbortController();
    const waiting = other.getLock("x").acquire({ signal: controller.signal });
    const rejected = waiting.catch((error: unknown) => error);
    await new Promise(setImmediate);
    const abortedAt = now();
    controller.abort("enough");
    expect(await rejected).toBe("enough");
    expect(now() - abortedAt).toBeLessThan(slack);
    place.backend.process.resume();
    expect(await other.getLock("x").inspect()).toMatchObject({ holders: [{}], waiters: [] });
    await hold.release();
    expect(await other.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
  });

  test("does not do what was asked over a connection that was given up since", async () => {
    const place = await Place.make();
    const others = await Promise.all(
      Array.from({ length: 10 }, () => place.start({ ttl: 4_000, heartbeat: 300 })),
    );
    const watches = others.map((coordinator) => new Watch(coordinator));
    await place.backend.process.pause();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = others.map((coordinator) => coordinator.getLock("x").acquire({ signal }));
    const settled = Promise.allSettled(waits);
    for (const watch of watches) await watch.until("suspended");
    controller.abort();
    await settled;
    place.backend.process.resume();
    for (const watch of watches) await watch.until("connected");
    const last = await place.lock();
    await (await last.acquire({ timeout: slack })).release();
    expect(await last.inspect()).toEqual({ holders: [], waiters: [] });
  });

  test("or is away rejects whoever starts, and lets whoever stops stop", async () => {
    const place = await Place.make();
    const coordinator = await place.start();
    const hold = await coordinator.getLock("x").acquire();
    await place.backend.process.pause();
    const starting = place.start();
    const refusal = { code: "COORD_UNAVAILABLE" };
    const pausedAt = now();
    await expect(starting).rejects.toMatchObject(refusal);
    expect(now() - pausedAt).toBeLessThan(beat + slack);
    await coordinator.stop();
    expect(now() - pausedAt).toBeLessThan(3 * beat + 2 * slack);
    expect(hold.signal.reason).toMatchObject({ reason: "closed" });
    await place.backend.process.kill();
    await expect(place.start()).rejects.toMatchObject(refusal);
  });
});

describe("a connection that is cut", () => {
  test("while several wait leaves them waiting, in their places", async () => {
    const place = await Place.make();
    const holder = await place.start();
    const [first, second] = [
      await place.start({ agentId: "1" }),
      await place.start({ agentId: "2" }),
    ];
    const watches = [new Watch(first), new Watch(second)];
    const hold = await holder.getLock("x").acquire();
    const order: string[] = [];
    const waits: Promise<void>[] = [];
    for (const coordinator of [first, second]) {
      const lock = coordinator.getLock("x");
      waits.push(lock.run(() => void order.push(coordinator.memberId)));
      await lock.inspect();
    }
    const before = await first.getLock("x").inspect();
    expect(before.waiters).toMatchObject([{ member: "1" }, { member: "2" }]);
    await place.backend.order({ cut: true });
    for (const watch of watches) {
      await watch.until("suspended");
      await watch.until("connected");
    }
    expect(await first.getLock("x").inspect()).toEqual(before);
    await hold.release();
    await Promise.all(waits);
    expect(order).toEqual(["1", "2"]);
    const states = ["connected", "suspended", "connected"];
    expect(watches.map(({ seen }) => seen)).toEqual([states, states]);
  });

  test("again and again costs nobody anything", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const hold = await holder.getLock("x").acquire();
    const waiting = other.getLock("x").acquire();
    const watch = new Watch(other);
    for (let round = 0; round < 20; round++) {
      await watch.until("connected");
      await place.backend.order({ cut: true });
      await watch.until("suspended");
    }
    hold.assertHeld();
    await hold.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
    expect(watch.seen).not.toContain("lost");
  });
});
