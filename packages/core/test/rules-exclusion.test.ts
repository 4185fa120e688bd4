import { expect, onTestFinished, test } from "vitest";
import type { Coordinator, Hold } from "@coord/core";
import type { VirtualClock } from "@coord/core/memory";
import { FairQueues } from "../src/queue.js";
import { machines } from "./machines.js";
import { isHeld, settled, world } from "./world.js";

test.each([1_000, 10_000, 30_000, 600_000])(
  "R1 a holder that is cut off no longer passes assertHeld() when the next one is granted, at a ttl of %i ms",
  async (ttl) => {
    const { clock, of } = machines();
    const [one, two] = [await of({ ttl }), await of({ ttl })];
    const first = await one.coordinator.getLock("x").acquire();
    const waiting = two.coordinator.getLock("x").acquire();
    await clock.advance(ttl / 7);
    one.machine.link.down = true;
    let second: Hold | undefined;
    void waiting.then((hold) => {
      second = hold;
      expect(isHeld(first)).toBe(false);
    });
    const cutAt = clock.now();
    while (!second && clock.now() < cutAt + 2 * ttl) {
      await clock.advance(ttl / 1_000);
      expect(isHeld(first) && second !== undefined && isHeld(second)).toBe(false);
    }
    expect(second && isHeld(second)).toBe(true);
    one.machine.link.down = false;
    await clock.advance(ttl);
    expect([isHeld(first), second && isHeld(second)]).toEqual([false, true]);
  },
);

test("R1 a lease counts from when its renewal was sent, however late the answer comes", async () => {
  const { clock, of, server } = machines();
  const [one, two] = [await of({ beatTimeout: 9_000 }), await of()];
  const hold = await one.coordinator.getLock("x").acquire();
  // Sent at 1,000, answered at 4,000: the last one.
  one.machine.link.plan("beat", 1, 3_000);
  await clock.advance(3_999);
  expect(hold.remaining()).toBeCloseTo(9_500 - 3_999);
  await clock.advance(1);
  one.machine.link.down = true;
  expect(hold.remaining()).toBeCloseTo(9_500 - 3_000);
  await clock.advance(10_499 - 4_000);
  expect(isHeld(hold)).toBe(true);
  await clock.advance(2);
  expect(isHeld(hold)).toBe(false);
  expect(await two.coordinator.getLock("x").tryAcquire()).toBeUndefined();
  await clock.advance(500);
  expect(server.inspect("x").holders).toEqual([]);
  expect(await two.coordinator.getLock("x").tryAcquire()).toMatchObject({ token: 2n });
});

test("R1 a grant that comes after its time is not taken for held", async () => {
  const { clock, of } = machines();
  const [one, two] = [await of(), await of()];
  const first = await one.coordinator.getLock("x").acquire();
  let late: Hold | undefined;
  void two.coordinator
    .getLock("x")
    .acquire()
    .then((hold) => {
      late = hold;
      expect(isHeld(hold)).toBe(true);
    });
  await clock.advance(100);
  two.machine.stop(20_000, false);
  // The server grants it at once; the machine hears of it twenty seconds later.
  await first.release();
  await clock.advance(15_000);
  const third = await one.coordinator.getLock("x").acquire();
  await clock.advance(10_000);
  expect(late).toBeUndefined();
  expect(isHeld(third)).toBe(true);
  await third.release();
  await clock.advance(1_000);
  expect(late && isHeld(late)).toBe(true);
});

test("R1 readers hold together, a writer alone, within a coordinator and between them", async () => {
  const { start, clock } = world();
  const [one, two] = [(await start()).getLock("x"), (await start()).getLock("x")];
  const readers = await Promise.all([one, one, two].map((lock) => lock.acquire({ shared: true })));
  expect(readers.map(isHeld)).toEqual([true, true, true]);
  const writers = [one.acquire(), two.acquire()];
  let inside = 0;
  const worked = writers.map(async (writer) => {
    const hold = await writer;
    expect([++inside, ...readers.map(isHeld)]).toEqual([1, false, false, false]);
    await settled();
    inside -= 1;
    await hold.release();
  });
  await clock.advance(100);
  expect(inside).toBe(0);
  for (const reader of readers) await reader.release();
  await Promise.all([...worked, clock.advance(100)]);
});

/** Reads again and again; gives how often it was served so far. */
function reader(coordinator: Coordinator, clock: VirtualClock): { served: number } {
  const count = { served: 0 };
  const ended = new AbortController();
  onTestFinished(() => ended.abort());
  void (async () => {
    while (!ended.signal.aborted) {
      const hold = await coordinator.getLock("x").acquire({ shared: true });
      count.served += 1;
      await new Promise<void>((resolve) => clock.timer(70, resolve));
      await hold.release();
    }
  })().catch(() => {});
  return count;
}

test.each([
  { where: "in its own coordinator", coordinators: 1, writes: 0, turns: 0 },
  { where: "in other coordinators", coordinators: 4, writes: 3, turns: 0 },
  // It gets to the backend's queue when the readers beside it have read.
  { where: "beside it and elsewhere", coordinators: 4, writes: 0, turns: 1 },
])("R15 a writer among readers $where is served within $turns more turns of theirs", async (it) => {
  const { start, clock } = world();
  const coordinators = await Promise.all(Array.from({ length: it.coordinators }, () => start()));
  const readers: { served: number }[] = [];
  const reading = it.writes > 0 ? coordinators.slice(0, it.writes) : coordinators;
  for (let index = 0; index < 8; index++) {
    readers.push(reader(reading[index % reading.length] as Coordinator, clock));
    await clock.advance(9);
  }
  const before = readers.map(({ served }) => served);
  const most = before.map((served) => served + it.turns);
  let writer: Hold | undefined;
  const writing = coordinators[it.writes]?.getLock("x").acquire();
  void writing?.then((hold) => (writer = hold));
  await clock.advance(1);
  expect(writer).toBeUndefined();
  await clock.advance(70 * (it.turns + 1));
  expect(writer && isHeld(writer)).toBe(true);
  for (const [index, { served }] of readers.entries()) {
    expect(served).toBeLessThanOrEqual(most[index] ?? 0);
  }
  // Nobody reads while it writes, and all do afterwards.
  const then = readers.map(({ served }) => served);
  await clock.advance(1_000);
  expect(readers.map(({ served }) => served)).toEqual(then);
  await Promise.all([writer?.release(), clock.advance(1_000)]);
  expect(readers.every(({ served }, index) => served > (then[index] ?? 0) + 5)).toBe(true);
});

test("R15 readers that do not wait do not overtake a writer that does", async () => {
  const { start, clock, within } = world();
  const [one, two] = [(await start()).getLock("x"), (await start()).getLock("x")];
  const reading = await one.acquire({ shared: true });
  const writing = two.acquire();
  await clock.advance(10);
  expect(await one.tryAcquire({ shared: true })).toBeUndefined();
  expect(await two.tryAcquire({ shared: true })).toBeUndefined();
  await reading.release();
  expect(await within(10, writing)).toMatchObject({ shared: false });
});

test("R15 in a coordinator's queue a writer has as many turns before it as there were requests", async () => {
  const queues = new FairQueues();
  const served: string[] = [];
  const enter = (who: string, shared: boolean) => {
    const ticket = queues.enter("x", shared);
    void Promise.resolve(ticket.turn).then(() => served.push(who));
    return ticket;
  };
  const readers = ["r1", "r2", "r3"].map((who) => enter(who, true));
  enter("w", false);
  for (let turn = 0; turn < 100; turn++) enter(`late ${turn}`, true);
  for (const ticket of readers) ticket.leave();
  await settled();
  expect(served).toEqual(["r1", "r2", "r3", "w"]);
});
