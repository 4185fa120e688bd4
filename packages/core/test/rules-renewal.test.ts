import { expect, test } from "vitest";
import type { CoordinatorState } from "@coord/core";
import { VirtualClock } from "@coord/core/memory";
import { startLease } from "../src/lease.js";
import { machines } from "./machines.js";
import { beat, isHeld, settled, ttl, usable, world } from "./world.js";

test("R5 renewals that are not answered are tried again until one is: what is held stays held", async () => {
  const { clock, start, backend } = world();
  const coordinator = await start({ beatTimeout: 1_000 });
  const hold = await coordinator.getLock("x").acquire();
  const states: CoordinatorState[] = [];
  void (async () => {
    for await (const state of coordinator.states()) states.push(state);
  })();
  for (let round = 0; round < 20; round++) {
    backend.down();
    await clock.advance(usable - 2 * beat - 1);
    expect(isHeld(hold)).toBe(true);
    backend.up();
    await clock.advance(2_000);
    expect(hold.remaining()).toBeGreaterThan(usable - 2 * beat);
  }
  expect(states.slice(0, 5)).toEqual([
    "connected",
    "suspended",
    "connected",
    "suspended",
    "connected",
  ]);
  expect(new Set(states)).toEqual(new Set(["connected", "suspended"]));
  hold.assertHeld();
  await hold.release();
});

test("R5 each renewal has a deadline of its own: one without an answer does not hold up the next", async () => {
  const { clock, start, backend } = world();
  const hold = await (await start()).getLock("x").acquire();
  for (let round = 0; round < 20; round++) {
    backend.dropReply("beat");
    await clock.advance(beat + 3_400);
    expect(hold.remaining()).toBeGreaterThan(usable - beat - 3_400);
    await clock.advance(beat);
    expect(hold.remaining()).toBeGreaterThan(usable - beat - 3_400);
  }
});

test("R5 a renewal that says the session is not known is a loss at once", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of({ agentId: "one" });
  const hold = await coordinator.getLock("x").acquire();
  machine.link.down = true;
  // Its news does not get through.
  server.end(machine.session, "session");
  await clock.advance(10);
  machine.link.down = false;
  hold.assertHeld();
  await clock.advance(beat);
  expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "expired" });
});

test("R5 a renewal's answer from before the grant is no news of it", async () => {
  const { clock, start, backend } = world();
  const [one, other] = [await start(), await start()];
  const first = await one.getLock("x").acquire();
  const waiting = other.getLock("x").acquire();
  await clock.advance(beat - 1);
  // Both are answered late: one of them is that of the coordinator that waits.
  backend.delayReply("beat", 500);
  backend.delayReply("beat", 500, 2);
  await clock.advance(100);
  await first.release();
  const hold = await waiting;
  await clock.advance(3 * ttl);
  hold.assertHeld();
  await hold.release();
  expect(await one.getLock("x").tryAcquire()).toMatchObject({ name: "x" });
});

test("R5 a renewal on its way while the lock is given back is no loss", async () => {
  const { clock, start, backend } = world();
  const lock = (await start()).getLock("x");
  for (const [beatLate, releaseLate] of [
    [500, 0],
    [0, 500],
    [500, 900],
    [900, 500],
  ] as const) {
    const hold = await lock.acquire();
    backend.delayReply("beat", beatLate);
    backend.delayReply("release", releaseLate);
    await clock.advance(beat + 10);
    const released = hold.release();
    await Promise.all([released, clock.advance(beat)]);
    expect(hold.signal.aborted).toBe(false);
    const [next] = await Promise.all([lock.acquire(), clock.advance(beat)]);
    await clock.advance(ttl);
    next.assertHeld();
    await next.release();
  }
});

test("R6 a renewal that is answered after the hold could be relied on no more does not revive it", async () => {
  for (const late of [0, 1, 400, 499]) {
    const { clock, of } = machines();
    const { machine, coordinator } = await of({ beatTimeout: 60_000 });
    const hold = await coordinator.getLock("x").acquire();
    await clock.advance(beat - 1);
    machine.link.plan("beat", 1, usable - beat + late);
    await clock.advance(1);
    // Stopped, so that the answer is there before any timer has its turn.
    machine.stop(usable - beat + late, false);
    await clock.advance(usable - beat + late);
    expect(isHeld(hold)).toBe(false);
    await clock.advance(20_000);
    expect(isHeld(hold)).toBe(false);
    expect(hold.signal.reason).toMatchObject({ reason: "expired" });
  }
});

test("R6 a hold that was lost stays lost when its backend answers again, and its session goes on", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of();
  const [lost, kept] = [
    await coordinator.getLock("x").acquire(),
    await coordinator.getLock("y").acquire(),
  ];
  machine.link.down = true;
  server.revoke("x");
  await settled();
  machine.link.down = false;
  await clock.advance(beat);
  expect([isHeld(lost), isHeld(kept)]).toEqual([false, true]);
  const next = await coordinator.getLock("x").acquire();
  await clock.advance(10 * ttl);
  expect([isHeld(lost), isHeld(kept), isHeld(next)]).toEqual([false, true, true]);
});

test("R1 a renewal that cannot be lengthens no lease: sent in the future, at no time, for no time", () => {
  const clock = new VirtualClock();
  const lease = startLease(clock, { sentAt: 0, ttl });
  clock.freeze(1_000);
  for (const sentAt of [1_001, Infinity, Number.NaN]) lease.renewed(sentAt);
  for (const bad of [Number.NaN, 0, -1]) lease.renewed(1_000, bad);
  expect([lease.ttl, lease.endsAt]).toEqual([ttl, ttl]);
  lease.renewed(1_000, 20_000);
  expect([lease.ttl, lease.endsAt]).toEqual([20_000, 21_000]);
});

test("R6 a lease knows no answer that comes too late, and none to an older question", () => {
  const clock = new VirtualClock();
  const lease = startLease(clock, { sentAt: 0, ttl });
  expect([lease.ttl, lease.endsAt, lease.usableUntil]).toEqual([ttl, ttl, usable]);
  clock.freeze(2_000);
  lease.renewed(1_500);
  lease.renewed(1_000);
  lease.renewed(1_000, 60_000);
  expect(lease.endsAt).toBe(1_500 + ttl);
  lease.renewed(2_000, 20_000);
  expect([lease.ttl, lease.endsAt, lease.usableUntil]).toEqual([20_000, 22_000, 21_000]);
  clock.freeze(19_000);
  lease.renewed(20_999);
  expect(lease.endsAt).toBe(22_000);
});
