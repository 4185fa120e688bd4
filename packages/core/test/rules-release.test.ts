import { expect, test } from "vitest";
import { connect, type CoordinatorOptions } from "@coord/core";
import { Scripted } from "./scripted.js";
import { errorOf, isHeld, recorder, settled, ttl, world } from "./world.js";

const body = new Error("the body's own");

test("R7 the body's error is the one thrown, whatever becomes of the lock and of its release", async () => {
  const { clock, start, backend, log } = world();
  const coordinator = await start();
  const lock = coordinator.getLock("x");
  const troubles = [
    () => backend.down(),
    () => backend.revoke("x"),
    () => clock.freeze(2 * ttl),
    () => void coordinator.stop(),
  ];
  for (const trouble of troubles) {
    const ran = errorOf(
      lock.run(() => {
        trouble();
        throw body;
      }),
    );
    const used = errorOf(
      (async () => {
        await using hold = await coordinator.getLock("y").acquire();
        expect(hold.name).toBe("y");
        trouble();
        throw body;
      })(),
    );
    await clock.advance(6_000);
    expect([await ran, await used]).toEqual([body, body]);
    backend.up();
    await clock.advance(80_000);
  }
  expect(log.filter((message) => message.includes("is held no more"))).not.toEqual([]);
});

test("R7 releasing what was lost is no error, and asks the backend for nothing", async () => {
  const backend = new Scripted();
  const coordinator = await connect("scripted:", { drivers: [backend.driver] });
  for (const reason of ["taken", "session"] as const) {
    const hold = await coordinator.getLock("x").acquire();
    if (reason === "session") backend.session.end("session");
    else backend.held.get("x")?.lose(reason);
    backend.held.clear();
    await settled();
    const calls = backend.calls.filter((call) => call.startsWith("release"));
    await Promise.all([hold.release(), hold[Symbol.asyncDispose]()]);
    await hold.release();
    expect(backend.calls.filter((call) => call.startsWith("release"))).toEqual(calls);
    expect(hold.signal.reason).toMatchObject({ reason });
  }
  await coordinator.stop();
});

test("R7 a release that fails says so once, to release() or to the log, and the lock is free in the end", async () => {
  const { clock, start, backend, log } = world();
  const [one, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
  const hold = await one.acquire();
  backend.down();
  const failed = errorOf(hold.release());
  await clock.advance(6_000);
  expect(await failed).toMatchObject({ code: "COORD_UNAVAILABLE" });
  expect(isHeld(hold)).toBe(false);
  expect(hold.signal.aborted).toBe(false);
  expect(log.filter((message) => message.includes("is held no more"))).toEqual([]);
  backend.up();
  await clock.advance(3_000);
  expect(await other.inspect()).toEqual({ holders: [], waiters: [] });
  const next = await other.acquire();
  backend.down();
  await Promise.all([next[Symbol.asyncDispose](), clock.advance(6_000)]);
  expect(log.filter((message) => message.includes("is held no more"))).toHaveLength(1);
});

test("R7 within a coordinator nobody has the lock before the one before has given it back", async () => {
  const { clock, start, backend } = world();
  const lock = (await start()).getLock("x");
  const hold = await lock.acquire();
  const waiting = lock.acquire();
  let had = false;
  void waiting.then(() => (had = true));
  backend.dropReply("release");
  backend.delayReply("release", 1_000, 2);
  const released = hold.release();
  await clock.advance(ttl / 3 + 999);
  expect(had).toBe(false);
  await Promise.all([released, clock.advance(10)]);
  expect(had).toBe(true);
});

test("R7 run() gives what was returned when releasing fails, and says in the log that it did", async () => {
  const messages: string[] = [];
  const options: Omit<CoordinatorOptions, "backendUrl"> = { logger: recorder(messages) };
  const backend = new Scripted();
  const coordinator = await connect("scripted:", { ...options, drivers: [backend.driver] });
  backend.session.releasing = () => Promise.reject(new Error("EPIPE"));
  expect(await coordinator.getLock("x").run(() => 42)).toBe(42);
  expect(messages.at(-1)).toMatch(/EPIPE.*"x" is held no more/);
  backend.session.releasing = () => Promise.resolve();
  await coordinator.stop();
});
