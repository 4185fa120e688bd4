import { describe, expect, test } from "vitest";
import { connect, type CoordinatorState } from "@coord/core";
import { ttl, usable, world } from "./world.js";

describe("a lease", () => {
  test("is renewed by beats: what is held for an hour is held", async () => {
    const { clock, start } = world();
    const hold = await (await start()).getLock("x").acquire();
    const other = (await start()).getLock("x");
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(60_000);
      hold.assertHeld();
      expect(await other.tryAcquire()).toBeUndefined();
    }
    expect(hold.remaining()).toBeGreaterThan(usable - 2_000);
    await hold.release();
  });

  test("of a holder that is cut off ends one margin before anybody else gets the lock", async () => {
    const { clock, backend, start } = world();
    const coordinator = await start({ agentId: "cut" });
    const hold = await coordinator.getLock("x").acquire();
    let toldAt = Number.NaN;
    hold.signal.addEventListener("abort", () => (toldAt = clock.now()));
    await clock.advance(500);
    backend.down();
    const cutAt = clock.now();
    await clock.advance(ttl + 1_000);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "expired" });
    // The last beat that was answered was sent less than a beat before the cut.
    expect(toldAt - cutAt).toBeLessThanOrEqual(usable);
    expect(toldAt - cutAt).toBeGreaterThan(usable - 1_000);
    backend.up();
    const next = await Promise.all([(await start()).getLock("x").acquire(), clock.advance(1_000)]);
    expect(next[0].token).toBeGreaterThan(hold.token);
    await next[0].release();
  });

  test("is not used after the machine slept through its end", async () => {
    const { clock, start } = world();
    const hold = await (await start()).getLock("x").acquire();
    await clock.advance(500);
    hold.assertHeld();
    clock.sleep(ttl);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "expired" }));
    expect(hold.signal.aborted).toBe(true);
  });

  test.each([3_600_000, -3_600_000])(
    "does not care for a wall clock that is set by %i ms",
    async (ms) => {
      const { clock, start } = world();
      const hold = await (await start()).getLock("x").acquire();
      clock.step(ms);
      hold.assertHeld();
      await clock.advance(5 * ttl);
      clock.step(-ms);
      hold.assertHeld();
      await clock.advance(5 * ttl);
      hold.assertHeld();
      expect(hold.signal.aborted).toBe(false);
      await hold.release();
    },
  );

  test("is not used after the process stood still beyond it, and does not come back", async () => {
    const { clock, start } = world();
    const hold = await (await start()).getLock("x").acquire();
    clock.freeze(ttl);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
    await clock.advance(5_000);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
    await hold.release();
  });
});

describe("states", () => {
  test("go from connected over suspended to lost and back, as beats are answered or not", async () => {
    const { clock, backend, start } = world();
    const coordinator = await start();
    const states: CoordinatorState[] = [];
    void (async () => {
      for await (const state of coordinator.states()) states.push(state);
    })();
    backend.down();
    await clock.advance(6_000);
    expect(states).toEqual(["connected", "suspended"]);
    backend.up();
    await clock.advance(3_000);
    expect(states).toEqual(["connected", "suspended", "connected"]);
    backend.down();
    await clock.advance(ttl);
    expect(states.slice(3)).toEqual(["suspended", "lost"]);
    backend.up();
    await clock.advance(70_000);
    expect(states.slice(5)).toEqual(["connected"]);
  });
});

describe("the backend", () => {
  test("serves in order, readers together, over coordinators", async () => {
    const { clock, start } = world();
    const coordinators = await Promise.all([start(), start(), start(), start()]);
    const order: string[] = [];
    const first = await coordinators[0]?.getLock("x").acquire();
    const asks = (["r1", "r2", "w"] as const).map(async (who, index) => {
      const lock = coordinators[index + 1]?.getLock("x");
      const hold = await lock?.acquire({ shared: who !== "w" });
      order.push(who);
      await clock.advance(0);
      order.push(`-${who}`);
      await hold?.release();
    });
    await clock.advance(10);
    await first?.release();
    await Promise.all([...asks, clock.advance(10)]);
    expect(order).toEqual(["r1", "r2", "-r1", "-r2", "w", "-w"]);
  });

  test("that loses the reply to any call is asked again, as the same owner: one hold, none left over", async () => {
    const { clock, backend, start } = world();
    const [one, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
    backend.dropReply("acquire");
    const [hold] = await Promise.all([one.acquire(), clock.advance(ttl)]);
    expect(hold.token).toBe(1n);
    backend.dropReply("release");
    await Promise.all([hold.release(), clock.advance(ttl)]);
    const [next] = await Promise.all([other.acquire(), clock.advance(ttl)]);
    expect(next.token).toBe(2n);
    await next.release();
  });

  test("that grants late gives to nobody who gave up", async () => {
    const { clock, backend, start } = world();
    const [one, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
    backend.delayReply("acquire", 2_000);
    const [refused] = await Promise.all([
      one.acquire({ timeout: 500 }).catch((error: unknown) => error),
      clock.advance(5_000),
    ]);
    expect(refused).toMatchObject({ code: "COORD_BUSY" });
    expect(await other.tryAcquire()).toMatchObject({ name: "x" });
  });

  test("asks a holder whose lock is broken softly, and takes it at once with force", async () => {
    const { start } = world();
    const [one, other] = [
      (await start({ agentId: "one" })).getLock("x"),
      (await start()).getLock("x"),
    ];
    const hold = await one.acquire();
    const result = await other.break();
    expect(result).toMatchObject({ outcome: "released", holders: [{ member: "one" }] });
    expect(hold.signal.reason).toMatchObject({ reason: "broken" });
    const second = await one.acquire();
    expect(await other.break({ token: hold.token })).toMatchObject({ outcome: "free" });
    second.assertHeld();
    expect(await other.break({ force: true, token: second.token })).toMatchObject({
      outcome: "forced",
    });
    await new Promise(setImmediate);
    expect(second.signal.reason).toMatchObject({ reason: "broken" });
    expect(await other.break()).toEqual({ outcome: "free", holders: [] });
  });

  test("of memory: URLs is one for the whole process", async () => {
    const [one, other] = [await connect("memory:"), await connect("memory:?ttl=5")];
    const hold = await one.getLock("x").acquire();
    expect(await other.getLock("x").tryAcquire()).toBeUndefined();
    await hold.release();
    await Promise.all([one.stop(), other.stop()]);
  });
});
