import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("those who ask again and again", () => {
  test("have it in turns, though it is not promised in which order: nobody is passed over for long", async () => {
    const url = server.url();
    const members = ["a", "b", "c", "d"];
    const all = await Promise.all(members.map((agentId) => start(url, { agentId, ttl: 20_000 })));
    const order: number[] = [];
    let asking = all.length;
    await Promise.all(
      all.map(async (coordinator, index) => {
        for (let turn = 0; turn < 50; turn++) {
          await coordinator.getLock("x").run(() => {
            if (asking === all.length) order.push(index);
          });
        }
        asking -= 1;
      }),
    );
    const gaps = members.flatMap((_, index) => {
      const places = order.flatMap((owner, place) => (owner === index ? [place] : []));
      return places.slice(1).map((place, before) => place - (places[before] ?? 0) - 1);
    });
    // Of the others each once, mostly; a look that comes in between may take a turn.
    expect(gaps.toSorted((one, other) => one - other)[Math.floor(gaps.length / 2)]).toBeLessThan(5);
    expect(Math.max(...gaps)).toBeLessThan(50);
  });

  test("of more than there are places for are all served", async () => {
    const url = server.url();
    const holder = await start(url, { ttl: 20_000 });
    const hold = await holder.getLock("x").acquire();
    const crowd = await Promise.all(Array.from({ length: 20 }, () => start(url, { ttl: 20_000 })));
    const served = crowd.map((each) => each.getLock("x").run(() => "served", { timeout: 20_000 }));
    await expect
      .poll(async () => (await holder.getLock("x").inspect()).waiters.length, { timeout: 10_000 })
      .toBe(20);
    await hold.release();
    expect(await Promise.all(served)).toEqual(crowd.map(() => "served"));
  });

  test("as readers let a writer in between, and are let in together after it", async () => {
    const url = server.url();
    const all = await Promise.all([1, 2, 3, 4].map(() => start(url, { ttl: 20_000 })));
    const [first, second, writer, late] = all;
    const readers = [
      await first?.getLock("x").acquire({ shared: true }),
      await second?.getLock("x").acquire({ shared: true }),
    ];
    const order: string[] = [];
    const writing = writer?.getLock("x").run(() => order.push("writer"));
    await expect.poll(async () => (await writer?.getLock("x").inspect())?.waiters.length).toBe(1);
    const reading = [late, first].map((each) =>
      each?.getLock("x").run(() => order.push("reader"), { shared: true }),
    );
    for (const reader of readers) await reader?.release();
    await Promise.all([writing, ...reading]);
    expect(order).toEqual(["writer", "reader", "reader"]);
  });
});
