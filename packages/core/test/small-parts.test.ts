import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { onAbort } from "../src/abort.js";
import { backoff } from "../src/backoff.js";
import { systemClock } from "../src/clock.js";
import { Deadlines } from "../src/deadline.js";
import { CoordError, isCoordError } from "../src/errors.js";
import { fullName } from "../src/names.js";
import { register, registered, schemes } from "../src/registry.js";
import { States } from "../src/states.js";
import type { Traits } from "../src/traits.js";
import { unmetTraits } from "../src/traits.js";
import { Scripted } from "./scripted.js";

describe("onAbort", () => {
  test("puts one listener on a signal however many wait for it, and none when nobody does", () => {
    const controller = new AbortController();
    const listeners = (): number => getEventListeners(controller.signal, "abort").length;
    const stops = Array.from({ length: 1_000 }, () => onAbort(controller.signal, () => {}));
    expect(listeners()).toBe(1);
    for (const stop of stops) stop();
    expect(listeners()).toBe(0);
    stops[0]?.();
    const again = onAbort(controller.signal, () => {});
    stops[1]?.();
    expect(listeners()).toBe(1);
    again();
    expect(listeners()).toBe(0);
  });

  test("calls each callback once, but not those that were taken back", () => {
    const controller = new AbortController();
    const called: string[] = [];
    onAbort(controller.signal, () => called.push("a"));
    onAbort(controller.signal, () => called.push("b"))();
    onAbort(controller.signal, () => called.push("c"));
    controller.abort();
    expect(called).toEqual(["a", "c"]);
  });
});

describe("the machine's clock", () => {
  test("does not fire a timer of more than 2^31 ms at once, as setTimeout does", async () => {
    const fired: string[] = [];
    const timers = [2 ** 31, 2 ** 31 + 5, 1e15].map((ms) =>
      systemClock.timer(ms, () => fired.push(String(ms))),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fired).toEqual([]);
    for (const timer of timers) timer.cancel();
  });

  test("counts one time in milliseconds and nanoseconds", () => {
    const before = systemClock.now();
    const between = Number(systemClock.hrtime()) / 1e6;
    const after = systemClock.now();
    expect(before).toBeLessThanOrEqual(between);
    expect(between).toBeLessThanOrEqual(after);
    expect(Math.abs(systemClock.wall() - Date.now())).toBeLessThan(1_000);
    expect(systemClock.boot()).toBeGreaterThan(0);
  });
});

describe("backoff", () => {
  test("stays between the least delay and the greatest, and depends on the one before", () => {
    let last = 100;
    let tries = 0;
    for (const delay of backoff(100, 60_000)) {
      expect(delay).toBeGreaterThanOrEqual(100);
      expect(delay).toBeLessThanOrEqual(Math.min(60_000, last * 3));
      last = delay;
      if (++tries === 1_000) break;
    }
  });

  test("grows to the greatest delay when chance has it so, and starts again near the least", () => {
    const delays = (random: () => number): number[] => {
      const delay = backoff(100, 1_000, random);
      return Array.from({ length: 4 }, () => delay.next().value);
    };
    expect(delays(() => 1)).toEqual([300, 900, 1_000, 1_000]);
    expect(delays(() => 0)).toEqual([100, 100, 100, 100]);
  });

  // A delay that is drawn first and cut down then is the greatest more than two times in three.
  test("is still drawn where it has grown to the greatest: nobody meets there again", () => {
    const delay = backoff(100, 1_000);
    const drawn = Array.from({ length: 1_000 }, () => delay.next().value);
    expect(drawn.filter((each) => each > 990).length).toBeLessThan(100);
  });
});

describe("a deadline", () => {
  test("rejects COORD_UNAVAILABLE and aborts the signal, whether the work heeds it or not", async () => {
    let given: AbortSignal | undefined;
    const work = new Deadlines(systemClock, 20).run("Asking", (signal) => {
      given = signal;
      return new Promise<never>(() => {});
    });
    await expect(work).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(given?.aborted).toBe(true);
  });

  test("gives what the work gives, or its error", async () => {
    await expect(new Deadlines(systemClock, 1e9).run("Asking", async () => 7)).resolves.toBe(7);
    const failing = new Deadlines(systemClock, 1e9).run("Asking", async () => {
      throw new RangeError("no");
    });
    await expect(failing).rejects.toThrow(RangeError);
  });
});

describe("errors", () => {
  test("are told apart by their code, also those of another copy of this package", () => {
    const foreign = Object.assign(new Error("held"), { name: "CoordError", code: "COORD_BUSY" });
    expect(isCoordError(new CoordError("COORD_BUSY", "held"))).toBe(true);
    expect(isCoordError(foreign, "COORD_BUSY")).toBe(true);
    expect(isCoordError(foreign, "COORD_LOST")).toBe(false);
    expect(isCoordError(Object.assign(new Error("x"), { code: "COORD_BUSY" }))).toBe(false);
    expect(isCoordError("COORD_BUSY")).toBe(false);
  });
});

describe("names", () => {
  test.each([
    ["", "empty"],
    [7, "number"],
    [null, "null"],
    [["a"], "an array"],
    ["a\ud800", "Unicode"],
  ])("%o is no name, and the error says why", (name, why) => {
    expect(() => fullName("p-", name)).toThrow(
      expect.objectContaining({ code: "COORD_BAD_NAME", message: expect.stringContaining(why) }),
    );
  });

  test("have the prefix before them", () => {
    expect(fullName("billing-", "a/😀")).toBe("billing-a/😀");
  });
});

describe("traits", () => {
  const traits: Traits = { ...new Scripted().traits, crashReleaseMs: 50 };

  test("that are there, or better than asked for, are not missed", () => {
    expect(
      unmetTraits(traits, {
        fair: true,
        crashReleaseMs: 1_000,
        holderInfo: ["member"],
        tokenSurvives: { failover: true },
      }),
    ).toEqual([]);
  });

  test("that are not there are named with what is there instead", () => {
    const unmet = unmetTraits(traits, {
      groups: true,
      crashReleaseMs: 10,
      holderInfo: ["pid"],
      tokenSurvives: { dataLoss: true },
    });
    expect(unmet).toEqual([
      "groups is false, not true",
      "crashReleaseMs is 50, not 10",
      'holderInfo is ["member"], not ["pid"]',
      "tokenSurvives.dataLoss is false, not true",
    ]);
  });
});

describe("states", () => {
  test("are told to each follower, none left out, up to stopped", async () => {
    const states = new States();
    const seen = all(states.follow());
    await new Promise(setImmediate);
    states.set("connected");
    states.set("connected");
    states.set("suspended");
    states.set("lost");
    states.set("stopped");
    expect(await seen).toEqual(["idle", "connected", "suspended", "lost", "stopped"]);
  });
});

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

describe("the registry", () => {
  test("takes a driver twice, but no other for the same scheme, and then registers none of its schemes", () => {
    const { driver } = new Scripted();
    register(driver);
    register(driver);
    expect(registered("scripted")).toBe(driver);
    const impostor = { ...driver, name: "impostor", schemes: ["fresh", "scripted"] };
    expect(() => register(impostor)).toThrow(/"scripted:" is taken by the driver "scripted"/);
    expect(registered("scripted")).toBe(driver);
    expect(registered("fresh")).toBeUndefined();
    expect(schemes()).toEqual(["scripted"]);
  });
});
