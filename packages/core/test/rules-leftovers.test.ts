import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { connect, type AcquireOptions, type Hold, type Lock } from "@coord/core";
import { machines } from "./machines.js";
import { Scripted } from "./scripted.js";
import { beat, errorOf, outcome, pending, settled, ttl, type World, world } from "./world.js";

const enough = new Error("enough");
const nothing = { holders: [], waiters: [] };

/** Where a request may stand when it is given up; each gives the lock that is asked for. */
const stages: Record<
  string,
  (world: World) => Promise<{ lock: Lock; free?: () => Promise<void> }>
> = {
  "in the queue of its coordinator": async ({ start }) => {
    const lock = (await start()).getLock("x");
    const hold = await lock.acquire();
    return { lock, free: () => hold.release() };
  },
  "in the queue of the backend": async ({ start }) => {
    const hold = await (await start()).getLock("x").acquire();
    return { lock: (await start()).getLock("x"), free: () => hold.release() };
  },
  "asked, and the answer is lost": async ({ start, backend }) => {
    const lock = (await start()).getLock("x");
    backend.dropReply("acquire");
    return { lock };
  },
  "asked, and the answer is late": async ({ start, backend }) => {
    const lock = (await start()).getLock("x");
    backend.delayReply("acquire", 2_000);
    return { lock };
  },
  "asked, and the backend goes away": async ({ start, backend }) => {
    const lock = (await start()).getLock("x");
    backend.down();
    return { lock };
  },
  "before a backend that does not answer": async ({ start, backend, clock }) => {
    const coordinator = await start();
    backend.down();
    await clock.advance(6_000);
    expect(coordinator.state).toBe("suspended");
    return { lock: coordinator.getLock("x") };
  },
  "before a new session": async ({ start, backend, clock }) => {
    const coordinator = await start();
    backend.down();
    await clock.advance(2 * ttl);
    expect(coordinator.state).toBe("lost");
    return { lock: coordinator.getLock("x") };
  },
};

const waits: [string, Omit<AcquireOptions, "signal">][] = [
  ["exclusive", {}],
  ["shared", { shared: true }],
  ["with a timeout", { timeout: 3_000 }],
];

test.each(Object.keys(stages).flatMap((stage) => waits.map((wait) => [stage, ...wait] as const)))(
  "R8 nothing stays of a request that is aborted %s, %s",
  async (stage, _, options) => {
    const it = world();
    const { lock, free } = (await stages[stage]?.(it)) ?? {};
    const signal = new AbortController();
    const asked = errorOf(
      lock?.acquire({ ...options, signal: signal.signal }) ?? Promise.resolve(),
    );
    await it.clock.advance(30);
    expect(getEventListeners(signal.signal, "abort")).toHaveLength(1);
    signal.abort(enough);
    // At once: no time passes.
    expect(await outcome(asked)).toBe(enough);
    expect(getEventListeners(signal.signal, "abort")).toHaveLength(0);
    await expectNothingOf(it, lock as Lock, free);
  },
);

test.each(Object.keys(stages))(
  "R8 nothing stays of a request whose time runs out %s",
  async (stage) => {
    const it = world();
    const { lock, free } = (await stages[stage]?.(it)) ?? {};
    const asked = errorOf(lock?.acquire({ timeout: 700 }) ?? Promise.resolve());
    const settledAt = asked.then(() => it.clock.now());
    const askedAt = it.clock.now();
    await it.clock.advance(2_000);
    expect(await asked).toMatchObject({ code: expect.stringMatching(/COORD_(BUSY|UNAVAILABLE)/) });
    // Who holds it is asked for besides, within 250 ms.
    expect((await settledAt) - askedAt).toBeLessThanOrEqual(700 + 250);
    await expectNothingOf(it, lock as Lock, free);
  },
);

/** The backend knows of no request, no timer is left, and whoever asks next has the lock at once. */
async function expectNothingOf(it: World, lock: Lock, free?: () => Promise<void>): Promise<void> {
  it.backend.up();
  await Promise.all([free?.(), it.clock.advance(2 * ttl)]);
  await it.clock.advance(70_000);
  expect(await lock.inspect()).toEqual(nothing);
  const idle = it.clock.pending;
  const hold = await lock.acquire();
  await hold.release();
  expect(it.clock.pending).toBe(idle);
  const others = (await it.start()).getLock("x");
  await (await others.acquire()).release();
}

test("R8 an abort at whatever moment after its turn came leaves the name to the next one", async () => {
  for (let moment = 0; moment < 30; moment++) {
    const { clock, start } = world();
    const [lock, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
    const first = await lock.acquire();
    const aborted = new AbortController();
    let held: Hold | undefined;
    const waiting = lock.acquire({ signal: aborted.signal }).then(
      (hold) => (held = hold),
      (error: unknown) => error,
    );
    await settled();
    const released = first.release();
    for (let passed = 0; passed < moment; passed++) await Promise.resolve();
    aborted.abort(enough);
    await Promise.all([released, waiting]);
    expect(held ?? (await waiting)).toBe(held ?? enough);
    await held?.release();
    await clock.advance(10);
    for (const next of [lock, other]) {
      const hold = await outcome(next.acquire());
      if (hold === pending) throw new Error(`aborted ${moment} moments late, the name is stuck`);
      await hold.release();
    }
  }
});

test("R8 a session that ends at whatever moment after its turn came does not lose the request", async () => {
  for (let moment = 0; moment < 30; moment++) {
    const { clock, start, backend } = world();
    const lock = (await start({ agentId: "one", maxReconnectBackoff: 200 })).getLock("x");
    const first = await lock.acquire();
    const waiting = lock.acquire();
    let held: Hold | undefined;
    void waiting.then((hold) => (held = hold));
    await settled();
    const released = first.release();
    for (let passed = 0; passed < moment; passed++) await Promise.resolve();
    backend.lose("one");
    await Promise.all([released, clock.advance(1_000)]);
    if (!held) throw new Error(`the session ended ${moment} moments late, and the request hangs`);
    await held.release();
    await clock.advance(10);
    const next = await lock.acquire();
    expect(next.token).toBeGreaterThan(first.token);
    await next.release();
  }
});

test("R8 a grant that comes after the abort is given back before the next one's turn", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of();
  const lock = coordinator.getLock("x");
  machine.link.plan("acquire", 1, 2_000);
  const aborted = new AbortController();
  const asked = errorOf(lock.acquire({ signal: aborted.signal }));
  const next = lock.acquire();
  await clock.advance(10);
  expect(server.inspect("x").holders).toHaveLength(1);
  aborted.abort(enough);
  expect(await asked).toBe(enough);
  await clock.advance(10);
  expect(server.inspect("x").holders).toEqual([expect.objectContaining({ token: 2n })]);
  await Promise.all([(await next).release(), clock.advance(beat)]);
  await clock.advance(ttl);
  expect(server.inspect("x")).toEqual(nothing);
});

test("R8 what could not be taken back while the backend was away ends with the session, at the latest with its lease", async () => {
  const { clock, of, server } = machines();
  const [one, two] = [await of(), await of()];
  const first = await two.coordinator.getLock("x").acquire();
  const aborted = new AbortController();
  const asked = errorOf(one.coordinator.getLock("x").acquire({ signal: aborted.signal }));
  await clock.advance(10);
  one.machine.link.down = true;
  aborted.abort(enough);
  expect(await asked).toBe(enough);
  expect(server.inspect("x").waiters).toHaveLength(1);
  await clock.advance(ttl);
  expect(server.inspect("x").waiters).toHaveLength(0);
  one.machine.link.down = false;
  await clock.advance(70_000);
  expect(one.coordinator.state).toBe("connected");
  await first.release();
  expect(server.inspect("x")).toEqual(nothing);
});

test("R8 what a driver grants after the abort is given back before anything else is asked of it", async () => {
  const backend = new Scripted();
  const coordinator = await connect("scripted:", { drivers: [backend.driver] });
  const lock = coordinator.getLock("x");
  backend.session.deaf = true;
  let goOn: () => void = () => {};
  backend.session.asking = () => new Promise((resolve) => (goOn = resolve));
  const aborted = new AbortController();
  const asked = errorOf(lock.acquire({ signal: aborted.signal }));
  const next = lock.acquire();
  await settled();
  aborted.abort(enough);
  expect(await asked).toBe(enough);
  backend.session.asking = () => Promise.resolve();
  goOn();
  await (await next).release();
  const calls = backend.calls.filter((call) => call.endsWith(" x"));
  expect(calls).toEqual(["acquire x", "release x", "acquire x", "release x"]);
  await coordinator.stop();
});

test("R8 a driver that never answers keeps the name no longer than its session", async () => {
  const backend = new Scripted();
  const coordinator = await connect("scripted:", {
    drivers: [backend.driver],
    initialReconnectBackoff: 1,
  });
  const lock = coordinator.getLock("x");
  for (const abortFirst of [true, false]) {
    const { session } = backend;
    session.asking = () => new Promise(() => {});
    const aborted = new AbortController();
    const asked = errorOf(lock.acquire({ signal: aborted.signal }));
    await settled();
    const ending = [() => aborted.abort(enough), () => session.end("session")];
    for (const end of abortFirst ? ending : ending.toReversed()) end();
    expect(await asked).toBe(enough);
    await (await lock.acquire()).release();
    expect(backend.session).not.toBe(session);
  }
  await coordinator.stop();
});
