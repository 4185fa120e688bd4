import { expect, test } from "vitest";
import type { Hold } from "@coord/core";
import { marginOf } from "../src/lease.js";
import { machines } from "./machines.js";
import { errorOf, isHeld, settled, ttl, usable, world } from "./world.js";

/** Notes when a hold's signal was aborted; NaN until then. */
function toldOf(hold: Hold, clock: { boot(): number }): { at: number } {
  const told = { at: Number.NaN };
  hold.signal.addEventListener("abort", () => (told.at = clock.boot()));
  return told;
}

test.each([
  // In milliseconds: the coordinator's ttl, that of its URL, and how often it beats.
  { own: 1_000, url: undefined, beat: 333 },
  { own: 10_000, url: undefined, beat: 1_000 },
  { own: 30_000, url: undefined, beat: 1_000 },
  { own: 600_000, url: undefined, beat: 1_000 },
  { own: 30_000, url: 2_000, beat: 667 },
  { own: 5_000, url: 60_000, beat: 1_000 },
])(
  "R2 a holder that is cut off is told in time, and not too early: ttl $own, in the URL $url",
  async (it) => {
    const { clock, start, backend } = world();
    const backendUrl = it.url === undefined ? "memory:" : `memory:?ttl=${it.url / 1_000}`;
    const coordinator = await start({ ttl: it.own, backendUrl, heartbeat: it.beat });
    const lasts = it.url ?? it.own;
    for (const phase of [0, 0.4, 0.9]) {
      const hold = await coordinator.getLock("x").acquire();
      const told = toldOf(hold, clock);
      await clock.advance(it.beat * (1 + phase) + 1);
      backend.down();
      const cutAt = clock.now();
      await clock.advance(lasts - marginOf(lasts));
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "expired" });
      // The last renewal was sent at most one beat before the cut, and never after it.
      expect(told.at - cutAt).toBeLessThanOrEqual(lasts - marginOf(lasts));
      expect(told.at - cutAt).toBeGreaterThanOrEqual(lasts - marginOf(lasts) - it.beat - 1);
      backend.up();
      await clock.advance(70_000 + lasts);
      expect(coordinator.state).toBe("connected");
    }
  },
);

test.each([1_000, 10_000, 30_000, 600_000])(
  "R2 the signal comes before the backend can grant to another, at a ttl of %i ms",
  async (ms) => {
    const { clock, of, server } = machines();
    const [one, two] = [await of({ ttl: ms }), await of({ ttl: ms })];
    const hold = await one.coordinator.getLock("x").acquire();
    const told = toldOf(hold, clock);
    const waiting = two.coordinator.getLock("x").acquire();
    await clock.advance(ms / 9);
    one.machine.link.down = true;
    let grantedAt = Number.NaN;
    expect(server.inspect("x").waiters).toHaveLength(1);
    void waiting.then(() => (grantedAt = clock.now()));
    await clock.advance(ms + 1);
    expect(grantedAt - told.at).toBeGreaterThanOrEqual(marginOf(ms) - 0.01);
    expect(grantedAt - told.at).toBeLessThan(marginOf(ms) + 1);
  },
);

test("R2 after the process stood still, the first assertHeld() throws although no timer had its turn", async () => {
  const { clock, start } = world();
  const hold = await (await start()).getLock("x").acquire();
  clock.freeze(usable);
  expect(hold.signal.aborted).toBe(false);
  const lost = expect.objectContaining({ code: "COORD_LOST", reason: "expired" });
  expect(() => hold.assertHeld()).toThrow(lost);
  expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "expired" });
  expect(hold.remaining()).toBe(0);
});

test("R2 after the process stood still for a moment less, the hold is held", async () => {
  const { clock, start } = world();
  const hold = await (await start()).getLock("x").acquire();
  clock.freeze(usable - 1);
  expect(hold.remaining()).toBe(1);
  expect(() => hold.assertHeld({ atLeast: 2 })).toThrow(/no longer held/);
  expect(() => hold.assertHeld({ atLeast: Number.NaN })).toThrow(/"atLeast" must be a number/);
  hold.assertHeld({ atLeast: 1 });
  await clock.advance(10 * ttl);
  hold.assertHeld();
});

test.each([
  [usable + 1, "there"],
  [usable + 1, "away"],
  [ttl, "there"],
  [ttl, "away"],
])(
  "R2 run() whose function blocked for %i ms, beyond what its lease can be relied on, rejects COORD_LOST, no timer having had its turn, with the backend %s",
  async (ms, where) => {
    const { clock, start, backend } = world();
    const lock = (await start()).getLock("x");
    const ran = errorOf(
      lock.run(() => {
        if (where === "away") backend.down();
        clock.freeze(ms);
        return 42;
      }),
    );
    await clock.advance(6_000);
    expect(await ran).toMatchObject({ code: "COORD_LOST", reason: "expired", result: 42 });
  },
);

test("R2 run() whose function went on by a timer that came before any other after a standstill rejects COORD_LOST", async () => {
  const { clock, start, backend } = world();
  const lock = (await start()).getLock("x");
  const ran = errorOf(
    lock.run(async () => {
      await new Promise<void>((resolve) => clock.timer(200, resolve));
      return 42;
    }),
  );
  await clock.advance(100);
  backend.down();
  clock.freeze(2 * ttl);
  await clock.advance(6_000);
  expect(await ran).toMatchObject({ code: "COORD_LOST", reason: "expired", result: 42 });
});

test("R2 after the machine slept, a holder is told within half a margin, before others can have it", async () => {
  for (let phase = 0; phase < 1_000; phase += 125) {
    const { clock, of, server } = machines();
    const { machine, coordinator } = await of();
    const hold = await coordinator.getLock("x").acquire();
    const told = toldOf(hold, clock);
    await clock.advance(phase);
    machine.link.down = true;
    // Its timers are as late as it slept.
    machine.stop(9_700 - phase, true);
    await clock.advance(9_999 - phase);
    expect(server.inspect("x").holders).toHaveLength(1);
    expect(told.at).toBeGreaterThanOrEqual(9_700);
    expect(told.at).toBeLessThanOrEqual(9_950);
  }
});

test.each([3_600_000, -3_600_000])(
  "R2 a wall clock that is set by %i ms gives neither a false loss nor a false hold",
  async (ms) => {
    const { clock, start, backend } = world();
    const hold = await (await start()).getLock("x").acquire();
    clock.step(ms);
    hold.assertHeld();
    await clock.advance(3 * ttl);
    hold.assertHeld();
    backend.down();
    clock.step(-ms);
    await clock.advance(usable);
    expect(hold.signal.aborted).toBe(true);
  },
);

const revocations = [
  { what: "a lock taken away", reason: "taken", late: "taken" },
  { what: "a lock broken by force", reason: "broken", late: "taken" },
  { what: "a session ended", reason: "session", late: "expired" },
] as const;

test.each(revocations)("R2 $what is told at once, and the next token is greater", async (it) => {
  const { clock, start, backend } = world();
  const [one, other] = [await start({ agentId: "one" }), await start()];
  const hold = await one.getLock("x").acquire();
  if (it.reason === "taken") backend.revoke("x");
  else if (it.reason === "session") backend.lose("one");
  else await other.getLock("x").break({ force: true });
  await settled();
  expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: it.reason });
  expect(isHeld(hold)).toBe(false);
  const next = await other.getLock("x").acquire();
  expect(next.token).toBeGreaterThan(hold.token);
  await clock.advance(ttl);
  next.assertHeld();
});

test("R2 a lock taken when its time was over has expired, although the news is heard before any timer", async () => {
  const { clock, start, backend } = world();
  const hold = await (await start()).getLock("x").acquire();
  clock.freeze(usable + 1);
  backend.revoke("x");
  await settled();
  expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "expired" });
});

test.each(revocations)(
  "R2 $what, of which the news is lost, is told by the next beat, at most 100 ms later",
  async (it) => {
    const { clock, of, server } = machines();
    const [one, other] = [await of(), await of()];
    const hold = await one.coordinator.getLock("x").acquire();
    const told = toldOf(hold, clock);
    await clock.advance(300);
    one.machine.link.down = true;
    if (it.reason === "taken") server.revoke("x");
    else if (it.reason === "session") server.end(one.machine.session, "session");
    else await other.coordinator.getLock("x").break({ force: true });
    const next = await other.coordinator.getLock("x").acquire();
    expect(next.token).toBeGreaterThan(hold.token);
    await settled();
    one.machine.link.down = false;
    await clock.advance(1_100 - 300);
    expect(told.at).toBeLessThanOrEqual(1_100);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: it.late });
    next.assertHeld();
  },
);
