import { expect, test } from "vitest";
import { fullName } from "../src/names.js";
import { world } from "./world.js";

/** No two of them are the same lock. */
const names = [
  "x",
  "X",
  "x ",
  " x",
  "x\n",
  "x\0",
  "x\0y",
  "x/y",
  "x//y",
  "x/./y",
  "../x",
  "..",
  ".",
  "/x",
  "x\\y",
  "C:\\x",
  "x:y",
  "x*",
  "x?",
  "{x}",
  "%78",
  "%2e%2e",
  "x'; DROP TABLE x; --",
  "$1",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "undefined",
  "null",
  "NaN",
  "0",
  "é",
  "é",
  "İ",
  "i",
  "I",
  "ı",
  "ß",
  "ss",
  "😀",
  "‮x",
  "﻿x",
  "­x",
  "a".repeat(255),
  "a".repeat(256),
  "a".repeat(1e5),
  "b-x",
  "b",
  "-x",
];

test("R10 different names are different locks, whatever is in them, and the same name is the same one", async () => {
  const { start } = world();
  const [one, other] = [await start(), await start()];
  const holds = [];
  for (const name of names) {
    const hold = await one.getLock(name).tryAcquire();
    expect(hold, `${JSON.stringify(name)} is one of those before it`).toMatchObject({ name });
    holds.push(hold);
  }
  for (const name of names) expect(await other.getLock(name).tryAcquire()).toBeUndefined();
  for (const hold of holds) await hold?.release();
  for (const name of names) expect(await other.getLock(name).tryAcquire()).toMatchObject({ name });
});

test("R10 a lock lies under its coordinator's prefix, and what is asked of it there stays there", async () => {
  const { start } = world();
  const [one, other] = [await start({ prefix: "one-" }), await start({ prefix: "other-" })];
  const hold = await one.getLock("x").acquire();
  expect([hold.name, one.memberId.startsWith("one-")]).toEqual(["one-x", true]);
  expect(await other.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
  expect(await other.getLock("x").break({ force: true })).toMatchObject({ outcome: "free" });
  hold.assertHeld();
  const all = await start();
  expect(await all.getLock("one-x").tryAcquire()).toBeUndefined();
  await hold.release();
  expect(await all.getLock("one-x").tryAcquire()).toMatchObject({ name: "one-x" });
});

test("R10 data never becomes part of a template, and no name but the whole of it is taken", async () => {
  const { start } = world();
  const coordinator = await start({ prefix: "p-" });
  expect(coordinator.lock("{a}-{b}", { a: "{b}", b: "}{" }).name).toBe("p-{b}-}{");
  expect(coordinator.lock("{{{a}}}", { a: "__proto__" }).name).toBe("p-{__proto__}");
  const missing = expect.objectContaining({ code: "COORD_BAD_TEMPLATE" });
  for (const inherited of ["{constructor}", "{__proto__}", "{a.missing}", "{toString.name}"]) {
    expect(() => coordinator.lock(inherited, { a: {} })).toThrow(missing);
  }
});

test("R10 a name that would be the same bytes as another is refused", () => {
  const bad = expect.objectContaining({ code: "COORD_BAD_NAME" });
  for (const name of ["", "\ud83d", "\ude00", "x\ud83dy", "\ude00\ud83d", 5, null, undefined, {}]) {
    expect(() => fullName("", name)).toThrow(bad);
    // Two halves do not become one character where the prefix ends.
    expect(() => fullName("p", name)).toThrow(bad);
  }
  for (const name of names) expect(fullName("p", name)).toBe(`p${name}`);
});
