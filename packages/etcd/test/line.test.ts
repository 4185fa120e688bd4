import { describe, expect, test } from "vitest";
import { Ahead } from "../src/ahead.js";
import { Seats } from "../src/seats.js";

/** One that waits, and what it is told, in an order that a server and two streams can give. */
function ahead(since: bigint | undefined) {
  const told: string[] = [];
  const listening = { since, leave: () => void told.push("left") };
  const tell = (word: string) => (): void => void told.push(word);
  const listener = {
    free: tell("free"),
    removed: tell("removed"),
    unsure: tell("unsure"),
    ended: tell("ended"),
  };
  const it = new Ahead(Buffer.from("own"), listener, () => listening);
  const keys = (names: string): Buffer[] => names.split("").map((name) => Buffer.from(name));
  return {
    told,
    were: (names: string, at: number) => it.were(keys(names), String(at)),
    deleted: (name: string, at: number) => it.deleted(Buffer.from(name), BigInt(at)),
    end: () => it.end(),
    confirm: (at: bigint) => {
      listening.since = at;
      it.confirmed();
    },
  };
}

describe("those before a request", () => {
  test("are gone when each was told of, in whatever order, and not before", () => {
    const it = ahead(1n);
    it.were("ab", 10);
    it.deleted("c", 11);
    it.deleted("b", 12);
    expect(it.told).toEqual([]);
    it.deleted("a", 13);
    expect(it.told).toEqual(["free"]);
  });

  test("may leave before the answer says who they were", () => {
    const it = ahead(1n);
    it.deleted("a", 11);
    it.were("a", 10);
    expect(it.told).toEqual(["free"]);
  });

  test("are still there when the same key was deleted before, and made again", () => {
    const it = ahead(1n);
    it.deleted("a", 9);
    it.deleted("own", 9);
    it.were("a", 10);
    it.deleted("a", 10);
    expect(it.told).toEqual([]);
    it.deleted("own", 11);
    expect(it.told).toEqual(["removed"]);
  });

  test("are no matter any more when its own key was deleted, whatever was told first", () => {
    for (const order of [
      ["own", "a"],
      ["a", "own"],
    ]) {
      const it = ahead(1n);
      for (const [index, name] of order.entries()) it.deleted(name, 11 + index);
      it.were("a", 10);
      expect(it.told).toEqual(["removed"]);
    }
    const it = ahead(1n);
    it.were("ab", 10);
    it.deleted("own", 11);
    it.deleted("a", 12);
    it.deleted("b", 13);
    it.were("", 14);
    expect(it.told).toEqual(["removed"]);
  });

  test("are not told of to one that has left", () => {
    const it = ahead(1n);
    it.were("a", 10);
    it.end();
    it.deleted("a", 11);
    expect(it.told).toEqual(["left"]);
  });

  test("do not come back by an answer that is late", () => {
    const it = ahead(1n);
    it.were("ab", 10);
    it.deleted("a", 12);
    it.were("ab", 11);
    it.deleted("b", 13);
    expect(it.told).toEqual(["free"]);
  });

  test("are read again when they were read before the watch began", () => {
    const it = ahead(undefined);
    it.were("a", 10);
    expect(it.told).toEqual([]);
    it.confirm(11n);
    expect(it.told).toEqual(["unsure"]);
    it.were("", 12);
    expect(it.told).toEqual(["unsure", "free"]);
  });
});

test("a key of a session is used again when it is free, and never by two at once", () => {
  const seats = new Seats();
  expect([seats.take("x"), seats.take("x"), seats.take("y")]).toEqual([0, 1, 0]);
  seats.free("x", 0);
  expect([seats.take("x"), seats.take("x")]).toEqual([0, 2]);
});
