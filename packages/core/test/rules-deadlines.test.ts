import { expect, test } from "vitest";
import { errorOf, isHeld, outcome, scripted, settled, timeOf, ttl, world } from "./world.js";

const never = new Promise<never>(() => {});
const unavailable = { code: "COORD_UNAVAILABLE" };

function expectUnavailable(error: unknown): void {
  expect(error).toMatchObject(unavailable);
}

test("R9 a heartbeat that is never answered counts as unanswered, also where nothing ends by time", async () => {
  const { backend, clock, coordinator } = scripted();
  await coordinator.start();
  expect(backend.session.lease.ttl).toBe(Infinity);
  const aborted: boolean[] = [];
  backend.session.beating = (signal) => {
    signal.addEventListener("abort", () => aborted.push(true));
    return never;
  };
  await clock.advance(ttl / 2);
  expect([coordinator.state, aborted]).toEqual(["suspended", [true]]);
  backend.session.beating = () => Promise.resolve();
  await clock.advance(ttl / 2);
  expect(coordinator.state).toBe("connected");
  await coordinator.stop();
});

test("R9 a session that never opens fails the start, or the attempt, and the next one is made", async () => {
  const { backend, clock, coordinator } = scripted();
  backend.opening = () => never;
  const starting = coordinator.start();
  expect(await timeOf(starting, clock, 20_000)).toBe(10_000);
  expect(await errorOf(starting)).toMatchObject(unavailable);
  backend.opening = () => Promise.resolve();
  await coordinator.start();
  backend.opening = () => never;
  backend.session.end("session");
  await clock.advance(5_000);
  backend.opening = () => Promise.resolve();
  await clock.advance(11_000);
  expect(coordinator.state).toBe("connected");
  await coordinator.stop();
});

test("R9 whatever the backend never answers is answered in time", async () => {
  const { backend, clock, coordinator } = scripted();
  await coordinator.start();
  const lock = coordinator.getLock("x");
  const hold = await lock.acquire();
  backend.session.releasing = () => never;
  const releasing = hold.release();
  expect(await timeOf(releasing, clock, 6_000)).toBe(5_000);
  expect(await errorOf(releasing)).toMatchObject(unavailable);
  backend.session.asking = () => never;
  const trying = coordinator.getLock("y").tryAcquire();
  expect(await timeOf(trying, clock, 6_000)).toBe(5_000);
  expect(await errorOf(trying)).toMatchObject(unavailable);
  backend.session.inspect = () => never;
  const inspecting = lock.inspect();
  expect(await timeOf(inspecting, clock, 6_000)).toBe(5_000);
  expect(await errorOf(inspecting)).toMatchObject(unavailable);
  backend.session.closing = () => never;
  expect(await timeOf(coordinator.stop(), clock, 6_000)).toBe(5_000);
});

test.each(["acquire", "release", "inspect", "break", "beat", "close"] as const)(
  "R9 with memory: a lost answer to %s holds up nothing for long",
  async (operation) => {
    const { clock, start, backend } = world();
    const [one, other] = [await start(), await start()];
    backend.dropReply(operation);
    const lived = (async () => {
      const hold = await one.getLock("x").acquire();
      const broken = other.getLock("x").break();
      await one.getLock("x").inspect().catch(expectUnavailable);
      expect(await broken).toMatchObject({ outcome: "released" });
      await hold.release();
      const next = await other.getLock("x").acquire();
      await next.release();
      await one.stop();
    })();
    expect(await timeOf(lived, clock, 30_000)).toBeLessThan(ttl);
    await lived;
  },
);

test("R9 a lock is broken although the request, the news to the holder and the answer get lost", async () => {
  const { clock, start, backend } = world();
  const [one, other, third] = [await start(), await start(), await start()];
  const hold = await one.getLock("x").acquire();
  backend.down();
  const lost = other.getLock("x").break();
  await clock.advance(500);
  backend.up();
  backend.dropReply("break");
  await clock.advance(ttl);
  expect(await outcome(lost)).toMatchObject({ outcome: "released" });
  expect(isHeld(hold)).toBe(false);
  const again = await one.getLock("x").acquire();
  const both = [other.getLock("x").break(), third.getLock("x").break()];
  // What tells the holder is on its way.
  backend.down();
  await settled();
  backend.up();
  await clock.advance(ttl);
  expect(await outcome(Promise.all(both))).toMatchObject([
    { outcome: "released" },
    { outcome: "released" },
  ]);
  expect(isHeld(again)).toBe(false);
});
