import { describe, expect, onTestFinished, test } from "vitest";
import { connect, type Lock, type Logger } from "@coord/core";
import { Scripted } from "./scripted.js";

const messages: string[] = [];
const write = (message: string): void => void messages.push(message);
const logger: Logger = { debug: write, info: write, warn: write, error: write };

async function lockOf(backend: Scripted): Promise<Lock> {
  const coordinator = await connect("scripted:", { drivers: [backend.driver], logger });
  onTestFinished(() => coordinator.stop());
  return coordinator.getLock("x");
}

describe("a hold", () => {
  test("says by which instant of the shared clock it judged", async () => {
    const hold = await (await lockOf(new Scripted())).acquire();
    const before = process.hrtime.bigint();
    const at = hold.assertHeld();
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(process.hrtime.bigint());
    expect(hold.remaining()).toBe(Infinity);
    expect(hold.assertHeld({ atLeast: 1e12 })).toBeGreaterThan(at);
  });

  test("is released once, however often and by whom it is asked", async () => {
    const backend = new Scripted();
    const hold = await (await lockOf(backend)).acquire();
    await Promise.all([hold.release(), hold.release(), hold[Symbol.asyncDispose]()]);
    await hold.release();
    expect(backend.calls.filter((call) => call === "release x")).toHaveLength(1);
    expect(() => hold.assertHeld()).toThrow(
      expect.objectContaining({ code: "COORD_LOST", reason: "closed" }),
    );
    expect(hold.remaining()).toBe(0);
    expect(hold.signal.aborted).toBe(false);
  });

  test("that was taken away has an aborted signal, also when that is asked for only then", async () => {
    const backend = new Scripted();
    const hold = await (await lockOf(backend)).acquire();
    backend.held.get("x")?.lose("taken");
    await new Promise(setImmediate);
    expect(hold.signal.aborted).toBe(true);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
    await hold.release();
    expect(backend.calls).not.toContain("release x");
  });

  test("that is lost while it is being released is released: nobody is alarmed", async () => {
    const backend = new Scripted();
    const hold = await (await lockOf(backend)).acquire();
    const grant = backend.held.get("x");
    backend.session.releasing = async () => {
      grant?.lose("taken");
      await new Promise(setImmediate);
    };
    await hold.release();
    expect(hold.signal.aborted).toBe(false);
  });

  test("whose release fails is held no more, says so to release(), and never to a block's end", async () => {
    const backend = new Scripted();
    const lock = await lockOf(backend);
    const first = await lock.acquire();
    const failOnce = (): void => {
      backend.session.releasing = () => {
        backend.session.releasing = () => Promise.resolve();
        return Promise.reject(new Error("EPIPE"));
      };
    };
    failOnce();
    await expect(first.release()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringContaining("EPIPE"),
    });
    expect(() => first.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
    expect(backend.calls.filter((call) => call === "release x")).toHaveLength(1);
    // Its turn comes when the first one was given back after all, by trying again.
    {
      await using hold = await lock.acquire();
      expect(hold.token).toBe(2n);
      expect(backend.calls.filter((call) => call === "release x")).toHaveLength(2);
      failOnce();
    }
    expect(messages.at(-1)).toContain('Releasing "x" failed: EPIPE.');
  });
});

describe("run()", () => {
  test("gives what the function gives, and releases", async () => {
    const backend = new Scripted();
    const lock = await lockOf(backend);
    await expect(lock.run((hold) => hold.token)).resolves.toBe(1n);
    expect(backend.held.size).toBe(0);
  });

  test("throws the function's error, even when the lock was lost and releasing fails", async () => {
    const backend = new Scripted();
    const lock = await lockOf(backend);
    const error = new Error("body");
    backend.session.releasing = () => {
      backend.session.releasing = () => Promise.resolve();
      return Promise.reject(new Error("EPIPE"));
    };
    const failing = lock.run(() => Promise.reject(error));
    await expect(failing).rejects.toBe(error);
    expect(messages.at(-1)).toContain("EPIPE");
    const lost = lock.run(async () => {
      backend.held.get("x")?.lose("taken");
      await new Promise(setImmediate);
      throw error;
    });
    await expect(lost).rejects.toBe(error);
  });

  test("rejects COORD_LOST with the function's result when the lock was lost meanwhile", async () => {
    const backend = new Scripted();
    const lock = await lockOf(backend);
    const lost = lock.run(async () => {
      backend.held.get("x")?.lose("taken");
      await new Promise(setImmediate);
      return 42;
    });
    await expect(lost).rejects.toMatchObject({ code: "COORD_LOST", reason: "taken", result: 42 });
  });
});
