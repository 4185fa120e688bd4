import { expect, test, vi } from "vitest";
import { machines } from "./machines.js";
import { beat, errorOf, isHeld, outcome, pending, settled, ttl, world } from "./world.js";

test.each([1, 2])(
  "R3 an acquire whose answer is lost %i times is asked again as the same owner: one grant, one hold",
  async (times) => {
    const { clock, of, server } = machines();
    const [one, other] = [await of(), await of()];
    const asked = vi.spyOn(server, "acquire");
    const { link } = one.machine;
    for (let time = 1; time <= times; time++) link.plan("acquire", time, undefined);
    // Beats would tell of the grant too.
    for (let time = 1; time <= 3; time++) link.plan("beat", time, undefined);
    const acquiring = one.coordinator.getLock("x").acquire();
    await clock.advance((times * ttl) / 3 - 1);
    expect(await outcome(acquiring)).toBe(pending);
    await clock.advance(2);
    expect(await outcome(acquiring)).toMatchObject({ token: 1n });
    expect(asked.mock.calls).toHaveLength(1 + times);
    expect(new Set(asked.mock.calls.map(([, { owner }]) => owner)).size).toBe(1);
    expect(server.inspect("x")).toMatchObject({ holders: [{ token: 1n }], waiters: [] });
    await (await acquiring).release();
    expect(await other.coordinator.getLock("x").acquire()).toMatchObject({ token: 2n });
  },
);

test("R3 a grant of which a beat tells first is not asked for again when it has been given back", async () => {
  const { clock, start, backend } = world();
  const [one, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
  backend.dropReply("acquire");
  const [hold] = await Promise.all([one.acquire(), clock.advance(beat)]);
  await hold.release();
  // Now the answer that never came is missed.
  await clock.advance(ttl);
  expect(await other.inspect()).toEqual({ holders: [], waiters: [] });
});

test("R3 what was taken away before we knew that we had it is asked for again, and held", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of();
  machine.link.plan("acquire", 1, undefined);
  machine.link.plan("beat", 1, undefined);
  const acquiring = coordinator.getLock("x").acquire();
  await clock.advance(10);
  server.revoke("x");
  await clock.advance(ttl / 2);
  const hold = await acquiring;
  await clock.advance(ttl);
  expect([hold.token, isHeld(hold)]).toEqual([2n, true]);
  await hold.release();
  expect(server.inspect("x")).toEqual({ holders: [], waiters: [] });
});

test("R3 the same answer by reply, push and beat makes one hold", async () => {
  const { clock, start, backend } = world();
  const [one, other] = [(await start()).getLock("x"), (await start()).getLock("x")];
  const first = await one.acquire();
  backend.dropReply("acquire");
  const holds: unknown[] = [];
  const waiting = other.acquire().then((hold) => (holds.push(hold), hold));
  await clock.advance(100);
  await first.release();
  await clock.advance(ttl);
  expect(holds).toEqual([expect.objectContaining({ token: 2n })]);
  await (await waiting).release();
  await clock.advance(ttl);
  expect(await one.inspect()).toEqual({ holders: [], waiters: [] });
});

test("R3 a request that does not wait and gets no answer is given back, not taken for refused", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of();
  machine.link.plan("acquire", 1, undefined);
  machine.link.plan("beat", 1, undefined);
  const refused = errorOf(coordinator.getLock("x").tryAcquire());
  await clock.advance(10);
  expect(server.inspect("x").holders).toHaveLength(1);
  await clock.advance(ttl / 3);
  expect(await refused).toMatchObject({ code: "COORD_UNAVAILABLE" });
  expect(server.inspect("x")).toEqual({ holders: [], waiters: [] });
});

test("R3 over new sessions an acquire stays the same owner, and no other ever is", async () => {
  const { clock, of, server } = machines();
  const options = { agentId: "same", maxReconnectBackoff: 200 };
  const [one, other] = [await of(options), await of(options)];
  const asked = vi.spyOn(server, "acquire");
  const hold = await other.coordinator.getLock("x").acquire();
  const waiting = one.coordinator.getLock("x").acquire();
  for (let session = 0; session < 3; session++) {
    await clock.advance(500);
    server.end(one.machine.session, "session");
  }
  await clock.advance(500);
  await hold.release();
  expect(await waiting).toMatchObject({ token: 2n });
  const [others, ...owners] = asked.mock.calls.map(([, { owner }]) => owner);
  expect(owners).toHaveLength(4);
  expect(new Set(owners).size).toBe(1);
  expect(owners).not.toContain(others);
});

test("R4 releasing a hold that was lost leaves the next one's alone", async () => {
  const { clock, of, server } = machines();
  const [one, two] = [await of({ agentId: "same" }), await of({ agentId: "same" })];
  const first = await one.coordinator.getLock("x").acquire();
  one.machine.link.down = true;
  server.revoke("x");
  const next = await two.coordinator.getLock("x").acquire();
  await settled();
  one.machine.link.down = false;
  // It does not know yet.
  expect(isHeld(first)).toBe(true);
  await first.release();
  await clock.advance(ttl);
  expect(isHeld(next)).toBe(true);
  expect(server.inspect("x").holders).toEqual([expect.objectContaining({ token: next.token })]);
});

test("R4 a release that is asked for again, because its answer was lost, takes nothing from who has it by then", async () => {
  const { clock, of, server } = machines();
  const [one, two] = [await of(), await of()];
  const first = await one.coordinator.getLock("x").acquire();
  one.machine.link.plan("release", 1, undefined);
  one.machine.link.plan("release", 2, 1_000);
  const released = first.release();
  const [next] = await Promise.all([two.coordinator.getLock("x").acquire(), clock.advance(100)]);
  await Promise.all([released, clock.advance(ttl)]);
  expect(isHeld(next)).toBe(true);
  expect(server.inspect("x").holders).toEqual([expect.objectContaining({ token: next.token })]);
});

test("R4 what is left of a session that was lost ends nothing of the one after it", async () => {
  const { clock, of, server } = machines();
  const { machine, coordinator } = await of({ maxReconnectBackoff: 200 });
  const first = await coordinator.getLock("x").acquire();
  machine.link.plan("close", 1, 8_000);
  server.end(machine.session, "session");
  await clock.advance(1_000);
  expect(coordinator.state).toBe("connected");
  const next = await coordinator.getLock("x").acquire();
  await first.release();
  await clock.advance(3 * ttl);
  expect([isHeld(first), isHeld(next)]).toEqual([false, true]);
  expect(server.inspect("x").holders).toEqual([expect.objectContaining({ token: next.token })]);
});

test("R4 a renewal of one coordinator keeps nothing of another with the same id", async () => {
  const { clock, of, server } = machines();
  const [one, two] = [await of({ agentId: "same" }), await of({ agentId: "same" })];
  const hold = await one.coordinator.getLock("x").acquire();
  one.machine.link.down = true;
  await clock.advance(ttl);
  expect(two.coordinator.state).toBe("connected");
  expect(isHeld(hold)).toBe(false);
  expect(server.inspect("x").holders).toEqual([]);
});
