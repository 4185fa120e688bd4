import * as hooks from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { connect, synchronized, type Coordinator, type Lock } from "@coord/core";
import { runWithin } from "../src/nesting.js";
import { Scripted } from "./scripted.js";

const settled = (): Promise<void> => new Promise(setImmediate);
const deadlock = {
  code: "COORD_DEADLOCK",
  message: expect.stringContaining('"x" is held by the run()'),
};

let backend: Scripted;
let coordinator: Coordinator;
let x: Lock;

beforeEach(async () => {
  backend = new Scripted();
  coordinator = await connect("scripted:", { drivers: [backend.driver] });
  x = coordinator.getLock("x");
  return () => coordinator.stop();
});

describe("a run() within a run() of the same lock", () => {
  test("is COORD_DEADLOCK at once, and the outer one goes on", async () => {
    const outcome = x.run(async (hold) => {
      await settled();
      const same = coordinator.getLock("x");
      await expect(same.run(() => 1)).rejects.toMatchObject(deadlock);
      await expect(same.run(() => 1, { timeout: Infinity })).rejects.toMatchObject(deadlock);
      hold.assertHeld();
      return "done";
    });
    expect(await outcome).toBe("done");
    expect(backend.session.requests).toHaveLength(1);
    expect(await x.run(() => "again")).toBe("again");
  });

  test.each([
    [true, true],
    [true, false],
    [false, true],
  ])("is so for shared ones: %s within %s", async (shared, outerShared) => {
    const inner = (): Promise<number> => x.run(() => 1, { shared });
    await expect(x.run(inner, { shared: outerShared })).rejects.toMatchObject(deadlock);
  });

  test("is so with others in between, timers, and whatever else it is called from", async () => {
    const outcome = x.run(() =>
      coordinator.getLock("y").run(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const inner = [x.run(() => 1), coordinator.getLock("z").run(() => 2)];
        return Promise.all(inner);
      }),
    );
    await expect(outcome).rejects.toMatchObject(deadlock);
  });

  test("is so of synchronized functions that call themselves", async () => {
    class Shares {
      @synchronized("x", { coordinator })
      async remove(again: boolean): Promise<string> {
        return again ? this.remove(false) : "done";
      }
    }
    expect(await new Shares().remove(false)).toBe("done");
    await expect(new Shares().remove(true)).rejects.toMatchObject(deadlock);
  });

  test("with a timeout waits and is COORD_BUSY", async () => {
    const outcome = x.run(() => x.run(() => 1, { timeout: 10 }));
    await expect(outcome).rejects.toMatchObject({ code: "COORD_BUSY" });
    const atOnce = x.run(() => x.run(() => 1, { timeout: 0 }));
    await expect(atOnce).rejects.toMatchObject({ code: "COORD_BUSY" });
  });
});

describe("no deadlock is seen in", () => {
  test("two runs side by side, within one of another name or none", async () => {
    const both = (): Promise<number[]> => Promise.all([x.run(() => 1), x.run(() => 2)]);
    expect(await both()).toEqual([1, 2]);
    expect(await coordinator.getLock("y").run(both)).toEqual([1, 2]);
  });

  test("one after the other", async () => {
    expect(await x.run(() => 1)).toBe(1);
    expect(await x.run(() => 2)).toBe(2);
  });

  test("the same name of another coordinator", async () => {
    const other = await connect("scripted:", { drivers: [new Scripted().driver] });
    expect(await x.run(() => other.getLock("x").run(() => 1))).toBe(1);
    await other.stop();
  });

  test("what was begun within it and outlives it", async () => {
    let goOn: () => void = () => {};
    let inner: Promise<number> | undefined;
    await x.run(() => {
      inner = new Promise<void>((resolve) => (goOn = resolve)).then(() => x.run(() => 1));
    });
    const hold = await x.acquire();
    goOn();
    await settled();
    await hold.release();
    expect(await inner).toBe(1);
  });

  test("one whose lock was released by then", async () => {
    const early = x.run(async (hold) => {
      await hold.release();
      return x.run(() => "early");
    });
    expect(await early).toBe("early");
  });

  test("one whose lock was lost by then", async () => {
    const outcome = x.run(async () => {
      backend.session.end("session");
      await settled();
      return x.run(() => "after");
    });
    await expect(outcome).rejects.toMatchObject({ code: "COORD_LOST", result: "after" });
  });

  test("acquire() and tryAcquire(): what they hold outlives the call", async () => {
    const outcome = await x.run(async () => {
      expect(await x.tryAcquire()).toBeUndefined();
      return { later: x.acquire() };
    });
    await (await outcome.later).release();
  });
});

describe("what it costs", () => {
  test("is nothing before the first run()", async () => {
    let made = 0;
    vi.resetModules();
    vi.doMock("node:async_hooks", () => ({
      ...hooks,
      AsyncLocalStorage: class extends hooks.AsyncLocalStorage<unknown> {
        constructor() {
          super();
          made++;
        }
      },
    }));
    const copy = await import("@coord/core");
    vi.doUnmock("node:async_hooks");
    const other = await copy.connect("scripted:", { drivers: [backend.driver] });
    const lock = other.getLock("y");
    await (await lock.acquire()).release();
    expect(made).toBe(0);
    await lock.run(() => 1);
    await lock.run(() => 2);
    expect(made).toBe(1);
    await other.stop();
  });

  test("is no memory of what has ended, in a loop of which each turn begins the next", async () => {
    const holds: WeakRef<object>[] = [];
    const turn = (name: string, begin: () => Promise<void>): Promise<void> => {
      return coordinator.getLock(name).run(async (hold) => {
        holds.push(new WeakRef(hold));
        await settled();
        await begin();
      });
    };
    expect(await aliveInTheLastOf(20, turn, holds)).toBe(0);
  });

  test("is no memory of what has ended, in one of which each turn ends after the next began", async () => {
    const sources: WeakRef<object>[] = [];
    const hold = await x.acquire();
    const turn = (_: string, begin: () => Promise<void>): Promise<void> => {
      const source = {};
      sources.push(new WeakRef(source));
      return runWithin(source, hold, async () => {
        await settled();
        await begin();
        await settled();
      });
    };
    expect(await aliveInTheLastOf(20, turn, sources)).toBe(0);
  });
});

/**
 * Takes so many turns, of which each begins the next within itself and ends soon after.
 * @returns how many of the references of the first half are still in memory during the last turn.
 */
async function aliveInTheLastOf(
  turns: number,
  turn: (name: string, begin: () => Promise<void>) => Promise<void>,
  references: readonly WeakRef<object>[],
): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return new Promise((resolve, reject) => {
    const begin = (left: number): void => {
      turn(`loop ${left % 2}`, async () => {
        if (left > 1) return begin(left - 1);
        for (let pause = 0; pause < 5; pause++) await settled();
        collect();
        const half = references.slice(0, turns / 2);
        resolve(half.filter((reference) => reference.deref() !== undefined).length);
      }).catch(reject);
    };
    begin(turns);
  });
}
