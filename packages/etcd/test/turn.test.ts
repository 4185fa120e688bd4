import { describe, expect, test } from "vitest";
import { Ahead } from "../src/ahead.js";
import { Deletions } from "../src/connection/deletions.js";
import type { WatchListener } from "../src/connection/watches.js";
import { Keys } from "../src/keys.js";
import { Turn, type TurnKeeper } from "../src/turn.js";
import { Unwatched } from "../src/unwatched.js";

/** What a connection watches, by a server that is the test: in the order in which it was asked. */
class Watched {
  readonly asked: (WatchListener & { readonly key: string; isEnded: boolean })[] = [];

  watch({ key }: { key: Buffer }, listener: WatchListener): () => void {
    const watch = { ...listener, key: key.toString(), isEnded: false };
    this.asked.push(watch);
    return () => (watch.isEnded = true);
  }

  deleted(index: number, key: string, at: string): void {
    const what = { key: Buffer.from(key), mod_revision: at };
    this.asked[index]?.changed("Delete", what as never);
  }
}

/** A request for "x" that comes to a line, and what it asks; each answer is given by the test. */
function turn(wait = true) {
  const watches = new Watched();
  const answers: ((answer: unknown) => void)[] = [];
  const told: string[] = [];
  const ask = (what: string) => () => {
    told.push(what);
    return new Promise((resolve) => answers.push(resolve));
  };
  const tell = (what: string) => () => void told.push(what);
  const keeper = {
    queue: { enter: ask("enter"), look: ask("look") },
    connection: { watches, deletions: new Deletions(watches as never) },
    entered: () => {},
    gone: tell("gone"),
    failed: tell("failed"),
    superseded: tell("superseded"),
  };
  const request = { name: "x", owner: "o", mode: "exclusive", wait, onAbort: () => () => {} };
  const spot = new Keys("coord").spot(request, "own");
  const it = new Turn(request as never, { spot, seat: 0 }, keeper as unknown as TurnKeeper);
  void it.claim.answer.then((grant) => {
    if ("token" in grant) void grant.lost.then((reason) => told.push(reason));
  });
  it.ask();
  return {
    it,
    watches,
    told,
    answer: async (answer: unknown) => {
      answers.shift()?.(answer);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** More than are told one by one. */
const crowd = Array.from({ length: 9 }, (_, index) => Buffer.from(`r${index}`));

describe("what is deleted in a range", () => {
  function listener() {
    return { confirmed: () => {}, deleted: () => {}, ended: () => {} };
  }

  test("is told to who joins later from the last that the others were told on", () => {
    const watches = new Watched();
    const deletions = new Deletions(watches as never);
    const range = new Keys("coord").line("x");
    const first = deletions.listen("x", range, listener());
    const second = deletions.listen("x", range, listener());
    expect(first.since).toBeUndefined();
    watches.asked[0]?.confirmed?.("5");
    watches.deleted(0, "a", "12");
    const third = deletions.listen("x", range, listener());
    watches.deleted(0, "b", "14");
    expect([first.since, second.since, third.since]).toEqual([5n, 5n, 12n]);
    expect(watches.asked).toHaveLength(1);
  });

  test("before somebody joined, and after what that one has read, has it read once more", () => {
    const watches = new Watched();
    const deletions = new Deletions(watches as never);
    const range = new Keys("coord").line("x");
    deletions.listen("x", range, listener());
    watches.asked[0]?.confirmed?.("5");
    watches.deleted(0, "a", "12");
    const told: string[] = [];
    const tell = (what: string) => () => void told.push(what);
    const all = { free: tell("free"), removed: () => {}, unsure: tell("unsure"), ended: () => {} };
    const join = () =>
      new Ahead(Buffer.from("own"), all, (each) => deletions.listen("x", range, each));
    const late = join();
    late.were([Buffer.from("a")], "11");
    late.were([], "12");
    expect(told).toEqual(["unsure", "free"]);
    late.end();
    // What was read of the same moment needs no more than the one read.
    const early = join();
    early.were([Buffer.from("b")], "12");
    watches.deleted(0, "b", "13");
    expect(told.slice(2)).toEqual(["free"]);
  });
});

describe("one who waits behind a crowd", () => {
  test("watches the one before it again when it was told of, and then read as if it were there", async () => {
    const { watches, told, answer } = turn();
    await answer({ revision: "20", rivals: crowd });
    watches.asked[0]?.confirmed?.("20");
    watches.deleted(0, "r0", "21");
    await answer({ revision: "20", rivals: crowd, asked: false, at: "20" });
    expect(watches.asked.map(({ key, isEnded }) => [key, isEnded])).toEqual([
      ["r0", true],
      ["r0", false],
    ]);
    // What happened before it is watched is not told.
    watches.asked[1]?.confirmed?.("21");
    await answer({ revision: "20", rivals: crowd, asked: false, at: "21" });
    expect(told).toEqual(["enter", "look", "look"]);
    expect(watches.asked).toHaveLength(2);
  });
});

describe("one who holds", () => {
  test("asks nothing on a new connection, and is told when its key is not there", async () => {
    const { it, told, answer } = turn(false);
    await answer({ revision: "20", rivals: [] });
    it.anew();
    expect(told).toEqual(["enter"]);
    it.ask();
    await answer({ revision: "20", rivals: [], asked: false, at: "25" });
    expect(told).toEqual(["enter", "look"]);
    it.ask();
    await answer(undefined);
    expect(told).toEqual(["enter", "look", "look", "gone", "taken"]);
  });
});

test("a key is watched soon, although it is told of again and again", () => {
  let now = 0;
  let timer: { readonly at: number; readonly fire: () => void } | undefined;
  const clock = {
    now: () => now,
    timer: (ms: number, fire: () => void) => {
      timer = { at: now + ms, fire };
      return { cancel: () => {} };
    },
  };
  const unwatched = new Unwatched(clock as never);
  const watched: number[] = [];
  const each = { watch: () => void watched.push(now) };
  for (; now <= 100; now += 10) {
    if (timer && timer.at <= now) timer.fire();
    if (watched.length === 0) unwatched.add(each as never);
  }
  expect(watched).toEqual([50]);
});
