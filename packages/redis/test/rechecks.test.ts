import { VirtualClock } from "@coord/core/memory";
import { expect, test } from "vitest";
import { Rechecks } from "../src/rechecks.js";

function rechecks() {
  const clock = new VirtualClock();
  const looked: string[] = [];
  return { clock, looked, due: new Rechecks(clock, (owner) => void looked.push(owner)) };
}

test("rechecks look after each who waits when it is due, with one timer", async () => {
  const { clock, looked, due } = rechecks();
  due.after(100, "a");
  due.after(50, "b");
  due.after(200, "c");
  expect(clock.pending).toBe(1);
  await clock.advance(99);
  expect(looked).toEqual(["b"]);
  await clock.advance(200);
  expect([looked, clock.pending]).toEqual([["b", "a", "c"], 0]);
});

test("rechecks keep nothing of who gave up", async () => {
  const { clock, looked, due } = rechecks();
  due.after(30_000, "a");
  due.after(100, "b");
  due.forget("b");
  due.forget("nobody");
  await clock.advance(1_000);
  due.forget("a");
  expect([looked, clock.pending]).toEqual([[], 0]);
  due.after(40_000, "c");
  await clock.advance(40_000);
  expect(looked).toEqual(["c"]);
});
