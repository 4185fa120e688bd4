import { CoordError, Link, startLease } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { describe, expect, test } from "vitest";

/** A link whose connections are numbers, opened and broken by hand. */
function linked() {
  const clock = new VirtualClock();
  const told: string[] = [];
  const lost = new Map<number, (error: unknown) => void>();
  let greeting = (): Promise<void> => Promise.resolve();
  const link = new Link<number>({
    clock,
    within: 1_000,
    retryAfter: 100,
    make: (break_) => {
      const number = lost.size + 1;
      lost.set(number, break_);
      return number;
    },
    greet: () => greeting(),
    close: (number) => void told.push(`close ${number}`),
    state: (state) => void told.push(state),
    unavailable: (cause) => new CoordError("COORD_UNAVAILABLE", "It is away. Wait.", { cause }),
  });
  return {
    clock,
    link,
    told,
    get made() {
      return lost.size;
    },
    breaks: (number: number, error = new Error("it broke")) => lost.get(number)?.(error),
    greetBy: (by: () => Promise<void>) => (greeting = by),
    open: () => link.open(new AbortController().signal),
  };
}

const never = new AbortController().signal;
const refuse = (): Promise<void> => Promise.reject(new Error("refused"));

describe("a link", () => {
  test("opens once, and makes another connection when one breaks", async () => {
    const it = linked();
    await it.open();
    expect(it.link.connection).toBe(1);
    it.breaks(1);
    expect(it.told).toEqual(["close 1", "suspended"]);
    await it.link.ready();
    await it.clock.advance(0);
    expect([it.link.connection, it.told.at(-1)]).toEqual([2, "connected"]);
  });

  test("has patience with its first connection, and with those after it none that could cost a lease", async () => {
    const it = linked();
    const seen = [it.link.patience];
    it.greetBy(async () => void seen.push(it.link.patience));
    await it.open();
    seen.push(it.link.patience);
    it.breaks(1);
    await it.link.ready();
    expect(seen).toEqual([2_000, 2_000, 1_000, 1_000]);
  });

  test("takes no notice of a connection that it has given up before", async () => {
    const it = linked();
    await it.open();
    it.link.giveUp(new Error("no good"));
    await it.link.ready();
    it.breaks(1);
    expect([it.link.connection, it.made]).toEqual([2, 2]);
  });

  test("tries again after a while, until a connection can be opened", async () => {
    const it = linked();
    await it.open();
    it.greetBy(refuse);
    it.breaks(1);
    await it.clock.advance(99);
    // At once, and again after 100 ms at least, and a quarter of `within` at most.
    expect(it.made).toBe(2);
    await it.clock.advance(5_000);
    expect(it.made).toBeGreaterThanOrEqual(2 + 5_000 / 250);
    expect(it.made).toBeLessThan(2 + 5_000 / 110);
    expect(it.told.filter((word) => word === "connected")).toEqual([]);
    const tried = it.made;
    it.greetBy(() => Promise.resolve());
    await it.clock.advance(250);
    expect([it.link.connection, it.told.at(-1)]).toEqual([tried + 1, "connected"]);
    expect(it.clock.pending).toBe(0);
  });

  test("that is greeted and breaks again and again makes the next one at once only the first time", async () => {
    const it = linked();
    await it.open();
    await it.clock.advance(2_000);
    it.greetBy(async () => {
      const number = it.made;
      it.clock.timer(1, () => it.breaks(number));
    });
    it.breaks(1);
    expect(it.made).toBe(2);
    await it.clock.advance(2_000);
    // Each at 100 ms at least, and a quarter of `within` at most, after the one before it.
    expect(it.made).toBeGreaterThanOrEqual(2 + 2_000 / 260);
    expect(it.made).toBeLessThanOrEqual(2 + 2_000 / 100);
    it.greetBy(() => Promise.resolve());
    await it.clock.advance(2_000);
    const { made } = it;
    it.breaks(made);
    expect(it.made).toBe(made + 1);
    it.link.close();
    expect(it.clock.pending).toBe(0);
  });

  test("says what it is in the order in which it becomes that, whatever who waits for it does", async () => {
    const it = linked();
    await it.open();
    it.breaks(1);
    const waiting = it.link.ready().then(() => {
      it.greetBy(() => new Promise(() => {}));
      it.breaks(2);
    });
    await waiting;
    await it.clock.advance(0);
    const states = it.told.filter((word) => !word.startsWith("close"));
    expect(states).toEqual(["suspended", "connected", "suspended"]);
    it.link.close();
  });

  test("is closed when its first connection cannot be opened", async () => {
    const it = linked();
    it.greetBy(refuse);
    await expect(it.open()).rejects.toThrow("refused");
    expect([it.link.isClosed, it.told, it.clock.pending]).toEqual([true, ["close 1"], 0]);
  });

  test("is closed when it is given up while it opens", async () => {
    const it = linked();
    const giveUp = new AbortController();
    let refuseNow: (error: Error) => void = () => {};
    it.greetBy(() => new Promise((_, reject) => (refuseNow = reject)));
    const opening = it.link.open(giveUp.signal);
    giveUp.abort();
    expect(it.told).toEqual(["close 1"]);
    refuseNow(new Error("closed"));
    await expect(opening).rejects.toThrow("closed");
    expect(it.link.isClosed).toBe(true);
  });

  test("does not call a connection open that broke while it was greeted", async () => {
    const it = linked();
    it.greetBy(async () => it.breaks(1));
    await expect(it.open()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      cause: { message: "it broke" },
    });
  });

  test("lets wait for a connection as long as `within`, and no longer than until it is closed", async () => {
    const it = linked();
    await it.open();
    it.greetBy(refuse);
    it.breaks(1);
    const [late, closed] = [it.link.ready(), it.link.ready()];
    const both = Promise.allSettled([late, closed]);
    await it.clock.advance(1_001);
    const third = it.link.ready();
    it.link.close();
    const unavailable = { code: "COORD_UNAVAILABLE" };
    await expect(third).rejects.toMatchObject(unavailable);
    for (const one of await both) expect(one).toMatchObject({ reason: unavailable });
    expect(() => it.link.connection).toThrow("It is away. Wait.");
    expect(it.clock.pending).toBe(0);
  });

  test("makes nothing any more once it is closed", async () => {
    const it = linked();
    await it.open();
    it.greetBy(refuse);
    it.breaks(1);
    it.link.close();
    await it.clock.advance(1_000);
    expect([it.made, it.clock.pending]).toEqual([2, 0]);
  });

  test("insists over one connection after the other, and says whether it asked before", async () => {
    const it = linked();
    await it.open();
    const asked: number[] = [];
    const done = it.link.insist(async (connection) => {
      asked.push(connection);
      if (connection < 3) {
        it.breaks(connection);
        throw new Error("no answer");
      }
      return "done";
    }, never);
    await it.clock.advance(1_000);
    expect(await done).toEqual({ answer: "done", again: true });
    expect(asked).toEqual([1, 2, 3]);
    expect(await it.link.insist(async () => "at once", never)).toEqual({
      answer: "at once",
      again: false,
    });
  });

  test("insists until it is told to stop, and then says what failed", async () => {
    const it = linked();
    await it.open();
    const stop = new AbortController();
    const done = it.link.insist(async () => {
      stop.abort();
      throw new Error("no answer");
    }, stop.signal);
    await expect(done).rejects.toThrow("no answer");
    const paused = new AbortController();
    const other = it.link.insist(() => Promise.reject(new Error("refused")), paused.signal);
    await it.clock.advance(10);
    paused.abort();
    await expect(other).rejects.toThrow("refused");
    expect(it.clock.pending).toBe(0);
  });

  test("asks what comes last until it is answered while the lease runs, and once after that", async () => {
    const it = linked();
    await it.open();
    const lease = startLease(it.clock, { sentAt: it.clock.now(), ttl: 10_000 });
    const asked: number[] = [];
    const ask = async (connection: number): Promise<void> => {
      if (asked.push(connection) < 3) throw new Error("refused");
    };
    const finished = it.link.finish(ask, lease, never);
    await it.clock.advance(1_000);
    await finished;
    expect(asked).toEqual([1, 1, 1]);
    await it.clock.advance(10_000);
    await expect(it.link.finish(() => refuse(), lease, never)).rejects.toThrow("refused");
    it.greetBy(refuse);
    it.breaks(1);
    await it.clock.advance(0);
    const late = it.link.finish(ask, lease, never);
    await expect(late).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(asked).toHaveLength(3);
  });

  test("gives nothing to who insists once it is closed", async () => {
    const it = linked();
    await it.open();
    const done = it.link.insist(() => Promise.reject(new Error("refused")), never);
    await it.clock.advance(10);
    it.link.close();
    await it.clock.advance(1_000);
    expect(await done).toBeUndefined();
  });
});
