import { describe, expect, onTestFinished, test } from "vitest";
import {
  connect,
  Coordinator,
  type CoordinatorOptions,
  type CoordinatorState,
  type Logger,
} from "@coord/core";
import { systemClock } from "@coord/core/driver";
import { away, Scripted } from "./scripted.js";

const never = new Promise<never>(() => {});
const settled = (): Promise<void> => new Promise(setImmediate);

function coordinatorOf(backend: Scripted, options: CoordinatorOptions = {}): Coordinator {
  const coordinator = new Coordinator({
    backendUrl: "scripted:",
    drivers: [backend.driver],
    initialReconnectBackoff: 1,
    maxReconnectBackoff: 5,
    ...options,
  });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

function record(messages: string[]): Logger {
  const write = (message: string): void => void messages.push(message);
  return { debug: write, info: write, warn: write, error: write };
}

/** Resolves when the coordinator is, or comes to be, in the state. */
async function reached(coordinator: Coordinator, state: CoordinatorState): Promise<void> {
  for await (const now of coordinator.states()) if (now === state) return;
}

describe("starting and stopping", () => {
  test("no lock is made before start(), and start() may be called again", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    expect([coordinator.state, coordinator.started]).toEqual(["idle", false]);
    const notStarted = expect.objectContaining({ code: "COORD_NOT_STARTED" });
    expect(() => coordinator.getLock("x")).toThrow(notStarted);
    expect(() => coordinator.lock("x")).toThrow(notStarted);
    expect(() => coordinator.traits).toThrow(notStarted);
    await Promise.all([coordinator.start(), coordinator.start()]);
    await coordinator.start();
    expect([coordinator.state, coordinator.started]).toEqual(["connected", true]);
    expect(backend.calls.filter((call) => call === "open")).toHaveLength(1);
    expect(coordinator.traits).toBe(backend.traits);
  });

  test("a start that fails says why, leaves nothing, and can be tried again", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    backend.opening = () => Promise.reject(away());
    await expect(coordinator.start()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const cause = new Error("connect ECONNREFUSED");
    backend.opening = () => Promise.reject(cause);
    await expect(coordinator.start()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringMatching(/scripted: failed: connect ECONNREFUSED\. See/),
      cause,
    });
    expect([coordinator.state, coordinator.started]).toEqual(["idle", false]);
    expect(() => coordinator.getLock("x")).toThrow(/not started/);
    backend.opening = () => Promise.resolve();
    await coordinator.start();
    expect(coordinator.started).toBe(true);
  });

  test("whoever hears that it is connected can ask for locks at once", async () => {
    const coordinator = coordinatorOf(new Scripted());
    const heard = reached(coordinator, "connected").then(() => coordinator.getLock("x").name);
    await coordinator.start();
    expect(await heard).toBe("x");
  });

  test("stop() may be called before start(), twice, and start() works after it", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    await coordinator.stop();
    expect(coordinator.state).toBe("idle");
    await coordinator.start();
    const lock = coordinator.getLock("x");
    await Promise.all([coordinator.stop(), coordinator.stop()]);
    expect(coordinator.state).toBe("stopped");
    expect(backend.calls.filter((call) => call === "close")).toHaveLength(1);
    await expect(lock.acquire()).rejects.toMatchObject({ code: "COORD_STOPPED" });
    expect(() => coordinator.getLock("x")).toThrow(/stopped/);
    await coordinator.start();
    expect(coordinator.state).toBe("connected");
    await (await lock.acquire()).release();
  });

  test("stop() during start() ends it with COORD_STOPPED, and a session that comes late is closed", async () => {
    const backend = new Scripted();
    let open: () => void = () => {};
    backend.opening = () => new Promise((resolve) => (open = resolve));
    const coordinator = coordinatorOf(backend);
    const starting = coordinator.start().catch((error: unknown) => error);
    await settled();
    await coordinator.stop();
    expect(await starting).toMatchObject({ code: "COORD_STOPPED" });
    expect(coordinator.state).toBe("stopped");
    open();
    await settled();
    expect(backend.calls).toEqual(["open", "close"]);
  });

  test("stop() ends although the backend never answers, and says so", async () => {
    const backend = new Scripted();
    const messages: string[] = [];
    const coordinator = coordinatorOf(backend, { logger: record(messages), clock: hurried() });
    await coordinator.start();
    backend.session.closing = () => never;
    await coordinator.stop();
    expect(messages.join()).toContain("Closing the session with the scripted backend took longer");
  });

  test("stop() tells holders before it gives back, and ends waiters with COORD_STOPPED", async () => {
    const backend = new Scripted();
    const coordinator = await connect("scripted:", { drivers: [backend.driver] });
    const hold = await coordinator.getLock("x").acquire();
    let callsWhenTold: string[] = [];
    hold.signal.addEventListener("abort", () => (callsWhenTold = [...backend.calls]));
    const waiting = [coordinator.getLock("x").acquire(), coordinator.getLock("x").acquire()];
    const ended = Promise.all(
      waiting.map((wait) => expect(wait).rejects.toMatchObject({ code: "COORD_STOPPED" })),
    );
    await settled();
    await coordinator.stop();
    await ended;
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "closed" });
    expect(callsWhenTold).not.toContain("close");
    expect(backend.calls.at(-1)).toBe("close");
    await hold.release();
    expect(backend.calls.at(-1)).toBe("close");
  });

  test("a block with `await using` stops it", async () => {
    const backend = new Scripted();
    {
      await using coordinator = await connect("scripted:", { drivers: [backend.driver] });
      expect(coordinator.started).toBe(true);
    }
    expect(backend.calls.at(-1)).toBe("close");
  });

  test("what `require` asks for and the backend lacks is refused, and the session closed", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend, { require: { fair: true, groups: true } });
    await expect(coordinator.start()).rejects.toMatchObject({
      code: "COORD_TRAITS",
      message: expect.stringContaining("groups is false, not true"),
    });
    expect(backend.calls).toEqual(["open", "close"]);
  });

  test("an option that means nothing here is noted once, an unknown one refused", async () => {
    const messages: string[] = [];
    const backend = new Scripted();
    const url = "scripted:?timeout=5&password=hunter2";
    await coordinatorOf(backend, { backendUrl: url, logger: record(messages) }).start();
    expect(messages).toEqual([expect.stringContaining('"timeout" means nothing here')]);
    const unknown = coordinatorOf(backend, { backendUrl: "scripted:?pool=5" }).start();
    await expect(unknown).rejects.toMatchObject({
      code: "COORD_BAD_OPTION",
      message: expect.stringContaining("password, timeout"),
    });
  });
});

describe("a session that ends", () => {
  test("is followed by another, which is told of it, after failures too", async () => {
    const backend = new Scripted();
    const messages: string[] = [];
    const coordinator = coordinatorOf(backend, { logger: record(messages) });
    await coordinator.start();
    const states: CoordinatorState[] = [];
    void (async () => {
      for await (const state of coordinator.states()) states.push(state);
    })();
    let failures = 3;
    backend.opening = async () => {
      if (failures-- > 0) throw away();
    };
    backend.session.end("expired");
    await reached(coordinator, "lost");
    await reached(coordinator, "connected");
    expect(states).toEqual(["connected", "lost", "connected"]);
    expect(backend.calls.filter((call) => call === "open after session 1")).toHaveLength(4);
    const failed = messages.filter((message) => message.includes("The server is away"));
    expect(failed).toHaveLength(3);
  });

  test("while the next is not there, tryAcquire() rejects COORD_UNAVAILABLE at once", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    await coordinator.start();
    const lock = coordinator.getLock("x");
    backend.opening = () => Promise.reject(away());
    backend.session.end("session");
    await reached(coordinator, "lost");
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await expect(lock.acquire({ timeout: 20 })).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
  });

  test("stop() while the next is being opened ends the trying", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend, {
      initialReconnectBackoff: 1e9,
      maxReconnectBackoff: 1e9,
    });
    await coordinator.start();
    backend.session.end("session");
    await reached(coordinator, "lost");
    await coordinator.stop();
    await settled();
    expect(backend.calls.filter((call) => call.startsWith("open"))).toEqual(["open"]);
  });
});

describe("a backend that stops answering", () => {
  test("suspends: tryAcquire() is refused, acquire() goes on when it answers again", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    await coordinator.start();
    const lock = coordinator.getLock("x");
    backend.session.context.state("suspended");
    expect(coordinator.state).toBe("suspended");
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const waiting = lock.acquire();
    await settled();
    backend.session.context.state("connected");
    expect(coordinator.state).toBe("connected");
    await (await waiting).release();
  });
});

describe("heartbeats", () => {
  test("go on after one that fails and one that never answers, each with its own deadline", async () => {
    const backend = new Scripted();
    const messages: string[] = [];
    const coordinator = coordinatorOf(backend, { beatTimeout: 20, logger: record(messages) });
    await coordinator.start();
    let beats = 0;
    const aborted: boolean[] = [];
    const third = new Promise<void>((resolve) => {
      backend.session.beating = (signal) => {
        beats += 1;
        if (beats === 1) return Promise.reject(new Error("connection reset"));
        if (beats > 2) resolve();
        else signal.addEventListener("abort", () => aborted.push(true));
        return beats === 2 ? never : Promise.resolve();
      };
    });
    await third;
    expect(aborted).toEqual([true]);
    expect(messages.filter((message) => message.includes("heartbeat failed"))).toHaveLength(2);
  });

  test("stop with the coordinator", async () => {
    const backend = new Scripted();
    const coordinator = coordinatorOf(backend);
    await coordinator.start();
    await new Promise<void>((resolve) => {
      backend.session.beating = async () => resolve();
    });
    await coordinator.stop();
    const before = backend.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(backend.calls).toHaveLength(before);
  });
});

/** The machine's clock with timers that fire a hundred times too early. */
function hurried(): NonNullable<CoordinatorOptions["clock"]> {
  return { ...systemClock, timer: (ms, callback) => systemClock.timer(ms / 100, callback) };
}
