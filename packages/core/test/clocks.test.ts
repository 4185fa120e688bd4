import { afterEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { systemClock } from "../src/clock.js";
import { SteadyClock } from "../src/steady-clock.js";

describe("the machine's clock", () => {
  afterEach(() => void vi.useRealTimers());

  test("fires a timer of more than 2^31 ms when its time has come", () => {
    vi.useFakeTimers();
    const fired: string[] = [];
    const month = 30 * 24 * 3_600_000;
    systemClock.timer(month, () => fired.push("month"));
    systemClock.timer(3 * month, () => fired.push("three months"));
    const cancelled = systemClock.timer(2 * month, () => fired.push("cancelled"));
    vi.advanceTimersByTime(month - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(["month"]);
    cancelled.cancel();
    vi.advanceTimersByTime(2 * month - 1);
    expect(fired).toEqual(["month"]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(["month", "three months"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("virtual time", () => {
  test("never goes back: not by a freeze within it, nor by two who let it pass at once", async () => {
    const clock = new VirtualClock();
    clock.timer(10, () => clock.freeze(1_000));
    await clock.advance(100);
    expect(clock.now()).toBe(1_010);
    const seen: number[] = [];
    for (const at of [5, 50, 500]) clock.timer(at, () => seen.push(clock.now() - 1_010));
    await Promise.all([clock.advance(600), clock.advance(20), clock.advance(200)]);
    expect(seen).toEqual([5, 50, 500]);
    expect(clock.now()).toBe(1_610);
  });
});

describe("a clock that counts the machine's sleep", () => {
  /** Three clocks that a test sets. */
  const clocks = { now: 0, wall: 1e12, boot: 5e6 };
  const settable: Clock = {
    now: () => clocks.now,
    hrtime: () => BigInt(clocks.now),
    wall: () => clocks.wall,
    boot: () => clocks.boot,
    timer: () => ({ cancel: () => {} }),
    keepAlive: () => () => {},
  };
  const pass = (ms: number, wall = ms, boot = ms): void => {
    clocks.now += ms;
    clocks.wall += wall;
    clocks.boot += boot;
  };

  test("adds a sleep once, also one in many pieces that are too short to tell", () => {
    const clock = new SteadyClock(settable);
    const startedAt = clock.now();
    pass(1_000, 61_000, 61_000);
    expect(clock.now() - startedAt).toBe(61_000);
    expect(clock.now() - startedAt).toBe(61_000);
    for (let nap = 0; nap < 100; nap++) {
      pass(10, 90, 90);
      const real = 61_000 + 90 * (nap + 1);
      expect(real - (clock.now() - startedAt)).toBeLessThanOrEqual(100);
    }
  });

  test("is not moved by a wall clock that is set, forward or back, a little or a lot", () => {
    const clock = new SteadyClock(settable);
    const startedAt = clock.now();
    for (const step of [1e9, -2e9, 101, -101, 99, -99, 3_600_000]) {
      pass(1_000, 1_000 + step);
      expect(clock.now() - startedAt).toBe(1_000);
      pass(-1_000, -1_000, -1_000);
    }
  });

  test("takes for sleep what it cannot tell: a loss too early is no harm, a hold too long is", () => {
    const clock = new SteadyClock(settable);
    const startedAt = clock.now();
    // The time since boot makes no sense: another container's, say.
    pass(1_000, 21_000, -500);
    expect(clock.now() - startedAt).toBe(21_000);
    pass(1_000, -9_000, -500);
    expect(clock.now() - startedAt).toBe(22_000);
    // Asleep, and the wall clock was set on top of it.
    pass(1_000, 3_600_000, 11_000);
    expect(clock.now() - startedAt).toBe(33_000);
  });

  test("is not misled by a process that is stopped between two looks at the clocks", () => {
    let looks = 0;
    const clock = new SteadyClock({
      ...settable,
      wall: () => {
        // Stopped for a minute, in the middle of looking.
        if (++looks === 3) pass(60_000);
        return clocks.wall;
      },
    });
    const startedAt = clock.now();
    pass(0, 3_600_000);
    expect(clock.now() - startedAt).toBe(0);
    expect(clock.now() - startedAt).toBe(60_000);
    pass(10_000, 40_000, 40_000);
    expect(clock.now() - startedAt).toBe(100_000);
  });

  test("gives the other clocks as they are", () => {
    const clock = new SteadyClock(settable);
    pass(7, 70_000, 70_000);
    expect([clock.hrtime(), clock.wall(), clock.boot()]).toEqual([
      BigInt(clocks.now),
      clocks.wall,
      clocks.boot,
    ]);
  });
});
