import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Keys } from "../src/keys.js";
import { start } from "./helpers.js";
import { pause, PostgresServer } from "./postgres-server.js";

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

  test("are woken on channels of their own, as long as there are: the others hear nothing", async () => {
    const url = server.url();
    const common = new Keys(new URL(url).searchParams.get("namespace") ?? "").channel;
    const heard: string[] = [];
    const listener = await server.client();
    onTestFinished(() => listener.end());
    listener.on("notification", ({ payload = "" }) => heard.push(payload));
    await listener.query(`LISTEN ${common}`);
    const all = await Promise.all([1, 2, 3, 4].map(() => start(url, { ttl: 20_000 })));
    const turns = 50;
    await Promise.all(
      all.map(async (each) => {
        for (let turn = 0; turn < turns; turn++) await each.getLock("x").run(() => {});
      }),
    );
    await listener.query("SELECT 1");
    expect(heard.length).toBeLessThan((all.length * turns) / 2);
    // The others share places and a channel, and have their turns, too.
    const guests = await Promise.all(Array.from({ length: 8 }, () => start(url, { ttl: 20_000 })));
    const served = [...all, ...guests].map((each) =>
      each.getLock("x").run(() => pause(1), { timeout: 20_000 }),
    );
    await Promise.all(served);
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
