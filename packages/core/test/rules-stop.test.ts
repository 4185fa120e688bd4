import { expect, test } from "vitest";
import type { Coordinator, CoordinatorState, Hold } from "@coord/core";
import {
  errorOf,
  outcome,
  pending,
  recorder,
  scripted,
  settled,
  timeOf,
  ttl,
  world,
} from "./world.js";

const never = new Promise<never>(() => {});

/** The states in which a coordinator may be stopped, each with how to get there. */
const situations: Record<
  CoordinatorState,
  (it: ReturnType<typeof world>, coordinator: Coordinator) => Promise<void>
> = {
  idle: async () => {},
  connected: async (_, coordinator) => coordinator.start(),
  suspended: async ({ backend, clock }, coordinator) => {
    await coordinator.start();
    backend.down();
    await clock.advance(6_000);
  },
  lost: async ({ backend, clock }, coordinator) => {
    await coordinator.start();
    backend.down();
    await clock.advance(2 * ttl);
  },
  stopped: async (_, coordinator) => {
    await coordinator.start();
    await coordinator.stop();
  },
};

test.each(Object.keys(situations) as CoordinatorState[])(
  "R12 stop() ends within 5 s although the backend is gone, when the coordinator is %s",
  async (state) => {
    const it = world();
    const coordinator = it.make();
    await situations[state](it, coordinator);
    expect(coordinator.state).toBe(state);
    const lock = coordinator.started ? coordinator.getLock("x") : undefined;
    const held = state === "connected" ? await lock?.acquire() : undefined;
    const waiting = [lock, lock].map((each) => each && errorOf(each.acquire()));
    await settled();
    it.backend.down();
    const asking = [lock, lock].map((each, index) => each?.[index ? "break" : "inspect"]());
    const asked = asking.map((each) => each && errorOf(each));
    const stopping = coordinator.stop();
    // Who waits is told at once; so is who holds.
    for (const wait of waiting) {
      if (wait) expect(await outcome(wait)).toMatchObject({ code: "COORD_STOPPED" });
    }
    const code = expect.stringMatching(/^COORD_(STOPPED|UNAVAILABLE)$/);
    for (const ask of asked) if (ask) expect(await outcome(ask)).toMatchObject({ code });
    if (held) expect(held.signal.reason).toMatchObject({ reason: "closed" });
    expect(await timeOf(stopping, it.clock, 6_000)).toBeLessThanOrEqual(5_000);
    await it.clock.advance(ttl);
    expect(it.clock.pending).toBe(0);
    expect(coordinator.state).toBe(state === "idle" ? "idle" : "stopped");
  },
);

test("R12 stop() at whatever moment of start() leaves no session and no state but stopped", async () => {
  for (let moment = 0; moment < 30; moment++) {
    const { backend, clock, coordinator } = scripted();
    const starting = coordinator.start().catch((error: unknown) => error);
    for (let passed = 0; passed < moment; passed++) await Promise.resolve();
    await coordinator.stop();
    await settled();
    expect([coordinator.state, coordinator.started]).toEqual(["stopped", false]);
    expect(await outcome(starting)).not.toBe(pending);
    const opened = backend.calls.filter((call) => call === "open");
    expect(backend.calls.filter((call) => call === "close")).toHaveLength(opened.length);
    await clock.advance(ttl);
    expect([backend.calls.includes("beat"), clock.pending]).toEqual([false, 0]);
  }
});

test("R12 stop() ends within 5 s although the driver never does, and says so in the log", async () => {
  const log: string[] = [];
  const { backend, clock, coordinator } = scripted({ logger: recorder(log) });
  await coordinator.start();
  const hold = await coordinator.getLock("x").acquire();
  let aborted = false;
  backend.session.closing = (signal) => {
    signal.addEventListener("abort", () => (aborted = true));
    return never;
  };
  backend.session.releasing = () => never;
  const releasing = errorOf(hold.release());
  expect(await timeOf(coordinator.stop(), clock, 6_000)).toBe(5_000);
  expect(await outcome(releasing)).toMatchObject({ code: "COORD_UNAVAILABLE" });
  expect(aborted).toBe(true);
  expect(log.at(-1)).toMatch(/^Closing the session .* took longer than 5000 ms/);
});

test("R12 stop() also waits for a session that ended before and is still being closed: what it had may be there until then", async () => {
  const { backend, clock, coordinator } = scripted();
  await coordinator.start();
  const { session } = backend;
  let close: () => void = () => {};
  session.closing = () => new Promise((resolve) => (close = resolve));
  session.end("session");
  await settled();
  const stopping = coordinator.stop();
  await clock.advance(1_000);
  expect(await outcome(stopping)).toBe(pending);
  close();
  await settled();
  expect(await outcome(stopping)).not.toBe(pending);
});

test("R12 what a session says after stop() is heard by nobody", async () => {
  const { backend, clock, coordinator } = scripted();
  await coordinator.start();
  const { session } = backend;
  const hold = await coordinator.getLock("x").acquire();
  let beat: () => void = () => {};
  session.beating = () => new Promise((resolve) => (beat = resolve));
  await clock.advance(10);
  await coordinator.stop();
  session.context.state("suspended");
  beat();
  session.end("session");
  await clock.advance(ttl);
  expect(coordinator.state).toBe("stopped");
  expect(hold.signal.reason).toMatchObject({ reason: "closed" });
  expect(backend.sessions).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test("R12 a grant that comes after stop() is given back, and the next start() begins anew", async () => {
  const { clock, start, backend } = world();
  const [one, other] = [await start(), await start()];
  backend.delayReply("acquire", 2_000);
  const waiting = errorOf(one.getLock("x").acquire());
  await settled();
  await one.stop();
  expect(await waiting).toMatchObject({ code: "COORD_STOPPED" });
  expect(await other.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
  await one.start();
  const hold: Hold = await one.getLock("x").acquire();
  await clock.advance(2 * ttl);
  hold.assertHeld();
});
