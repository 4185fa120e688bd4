import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  Coordinator,
  isCoordError,
  type CoordinatorOptions,
  type CoordinatorState,
  type Hold,
  type Lock,
  type LossReason,
} from "@coord/core";
import type { Driver, Session } from "@coord/core/driver";
import { Backend } from "./toy/backend.js";
import { toy } from "./toy/driver.js";

/** How long the server keeps what is held for a client it does not hear, in milliseconds. */
const ttl = 2_000;
/** By how much earlier than that users are told. */
const margin = 250;
/** How often the driver beats. */
const beat = ttl / 4;
/** How long a machine that is busy with other things may take over nothing. */
const slack = 1_000;

/** A server of one test, a space on it, and those who use it. */
class Place {
  backend: Backend;
  readonly url: string;
  readonly #coordinators: Coordinator[] = [];

  static async make(): Promise<Place> {
    const place = new Place(await Backend.start());
    onTestFinished(() => place.#clear());
    return place;
  }

  private constructor(backend: Backend) {
    this.backend = backend;
    this.url = backend.url();
  }

  async start(options: CoordinatorOptions = {}): Promise<Coordinator> {
    const coordinator = new Coordinator({
      backendUrl: this.url,
      drivers: [toy],
      ttl,
      initialReconnectBackoff: 50,
      maxReconnectBackoff: 200,
      ...options,
    });
    this.#coordinators.push(coordinator);
    await coordinator.start();
    return coordinator;
  }

  /** The lock "x" of a coordinator of its own. */
  async lock(options?: CoordinatorOptions): Promise<Lock> {
    return (await this.start(options)).getLock("x");
  }

  /** Has another server, without the data of the first, where that was. */
  async restart(): Promise<void> {
    await this.backend.process.kill();
    this.backend = await Backend.start(this.backend.port);
  }

  async #clear(): Promise<void> {
    this.backend.process.resume();
    await Promise.all(this.#coordinators.map((coordinator) => coordinator.stop()));
    await this.backend[Symbol.asyncDispose]();
  }
}

/** The states of a coordinator, in order, as far as they were waited for. */
class Watch {
  readonly seen: CoordinatorState[] = [];
  readonly #states: AsyncIterator<CoordinatorState>;

  constructor(coordinator: Coordinator) {
    this.#states = coordinator.states()[Symbol.asyncIterator]();
  }

  /** Waits until it is in this state, from the last one that was waited for on. */
  async until(state: CoordinatorState): Promise<void> {
    while (this.seen.at(-1) !== state) {
      const { value, done } = await this.#states.next();
      if (done) throw new Error(`it was stopped, not ${state}`);
      this.seen.push(value);
    }
  }
}

/** When, by `process.hrtime`, in milliseconds, and why a hold is lost. */
function told(hold: Hold): Promise<{ at: number; reason: LossReason | undefined }> {
  const { signal } = hold;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      const reason = isCoordError(signal.reason) ? signal.reason.reason : undefined;
      resolve({ at: now(), reason });
    });
  });
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

describe("a server that dies", () => {
  test("has its holders told before their leases end, and not long before", async () => {
    const place = await Place.make();
    const coordinator = await place.start();
    const hold = await coordinator.getLock("x").acquire();
    const lost = told(hold);
    await place.backend.process.kill();
    // Nothing is acknowledged any more: so much is left of the lease, but for the margin.
    const [killedAt, usable] = [now(), hold.remaining()];
    expect(usable).toBeGreaterThan(ttl - margin - beat - slack);
    const { at, reason } = await lost;
    expect(reason).toBe("expired");
    expect(at - killedAt).toBeGreaterThan(usable - 2);
    expect(at - killedAt).toBeLessThan(usable + margin);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "expired" }));
  });

  test("and is started without its data has its holders told at once, and serves new sessions", async () => {
    const place = await Place.make();
    const [one, other] = [await place.start({ ttl: 10_000 }), await place.start({ ttl: 10_000 })];
    const hold = await one.getLock("x").acquire();
    const lost = told(hold);
    const waiting = other.getLock("x").acquire();
    await place.restart();
    const startedAt = now();
    const { at, reason } = await lost;
    expect(reason).toBe("session");
    expect(at - startedAt).toBeLessThan(1_000 + 100 + slack);
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
    const again = await one.getLock("x").acquire();
    expect(again.token).toBeGreaterThan(next.token);
    await again.release();
  });
});

describe("a server that answers", () => {
  test("keeps what is held for as long as it is held, however often the ttl passes", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    await new Promise((resolve) => setTimeout(resolve, 1.25 * ttl));
    hold.assertHeld({ atLeast: ttl - margin - beat - slack });
    expect(await other.tryAcquire()).toBeUndefined();
    await hold.release();
  });

  test("does not listen to an older connection of a session", async () => {
    const { port } = (await Place.make()).backend;
    const [older, newer] = [connect(port), connect(port)];
    const request = (socket: Socket, message: object): Promise<unknown[]> => {
      const heard = Promise.race([once(socket, "data"), once(socket, "close")]);
      socket.write(`${JSON.stringify({ id: 1, session: "s", ...message })}\n`);
      return heard;
    };
    const ask = { owner: "o", name: "x", mode: "exclusive", wait: true, info: { member: "m" } };
    await request(older, { socket: 1, op: "open", ask: { space: "", ttl: 10_000 } });
    await request(newer, { socket: 2, op: "beat", ask: {} });
    await request(older, { socket: 1, op: "acquire", ask });
    expect(older.closed).toBe(true);
    const [beat] = await request(newer, { socket: 2, op: "beat", ask: {} });
    expect(String(beat)).toBe('{"id":1,"answer":{"owned":[]}}\n');
    newer.destroy();
  });
});

describe("a server that stands still", () => {
  test("for less than the lease leaves what is held held: suspended, then connected", async () => {
    const place = await Place.make();
    const [holder, other] = [
      await place.start({ ttl: 4_000, heartbeat: 300 }),
      await place.start({ ttl: 4_000, heartbeat: 300 }),
    ];
    const watch = new Watch(holder);
    const hold = await holder.getLock("x").acquire();
    await place.backend.process.pause();
    await watch.until("suspended");
    hold.assertHeld();
    await expect(holder.getLock("y").tryAcquire()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    place.backend.process.resume();
    await watch.until("connected");
    hold.assertHeld();
    expect(await other.getLock("x").tryAcquire({ timeout: slack })).toBeUndefined();
    expect(watch.seen).toEqual(["connected", "suspended", "connected"]);
    await hold.release();
  });

  test("for longer loses it, and whoever waits gets it later with a greater token", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const watches = [new Watch(holder), new Watch(other)];
    const hold = await holder.getLock("x").acquire();
    const lost = told(hold);
    const waiting = other.getLock("x").acquire();
    await other.getLock("x").inspect();
    await place.backend.process.pause();
    for (const watch of watches) await watch.until("lost");
    expect((await lost).reason).toBe("expired");
    place.backend.process.resume();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
    await next.release();
    for (const watch of watches) await watch.until("connected");
  });

  test("while somebody gives up waiting does not grant to them later", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const hold = await holder.getLock("x").acquire();
    await place.backend.process.pause();
    const controller = new AbortController();
    const waiting = other.getLock("x").acquire({ signal: controller.signal });
    const rejected = waiting.catch((error: unknown) => error);
    await new Promise(setImmediate);
    const abortedAt = now();
    controller.abort("enough");
    expect(await rejected).toBe("enough");
    expect(now() - abortedAt).toBeLessThan(slack);
    place.backend.process.resume();
    expect(await other.getLock("x").inspect()).toMatchObject({ holders: [{}], waiters: [] });
    await hold.release();
    expect(await other.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
  });

  test("does not do what was asked over a connection that was given up since", async () => {
    const place = await Place.make();
    const others = await Promise.all(
      Array.from({ length: 10 }, () => place.start({ ttl: 4_000, heartbeat: 300 })),
    );
    const watches = others.map((coordinator) => new Watch(coordinator));
    await place.backend.process.pause();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = others.map((coordinator) => coordinator.getLock("x").acquire({ signal }));
    const settled = Promise.allSettled(waits);
    for (const watch of watches) await watch.until("suspended");
    controller.abort();
    await settled;
    place.backend.process.resume();
    for (const watch of watches) await watch.until("connected");
    const last = await place.lock();
    await (await last.acquire({ timeout: slack })).release();
    expect(await last.inspect()).toEqual({ holders: [], waiters: [] });
  });

  test("or is away rejects whoever starts, and lets whoever stops stop", async () => {
    const place = await Place.make();
    const coordinator = await place.start();
    const hold = await coordinator.getLock("x").acquire();
    await place.backend.process.pause();
    const starting = place.start();
    const refusal = { code: "COORD_UNAVAILABLE" };
    const pausedAt = now();
    await expect(starting).rejects.toMatchObject(refusal);
    expect(now() - pausedAt).toBeLessThan(beat + slack);
    await coordinator.stop();
    expect(now() - pausedAt).toBeLessThan(3 * beat + 2 * slack);
    expect(hold.signal.reason).toMatchObject({ reason: "closed" });
    await place.backend.process.kill();
    await expect(place.start()).rejects.toMatchObject(refusal);
  });
});

describe("a session", () => {
  test("that follows another ends that at the server, with all that it held", async () => {
    const place = await Place.make();
    const opened: { session: Session; next: () => Promise<Session> }[] = [];
    const open: Driver["open"] = async (url, context) => {
      const session = await toy.open(url, context);
      const next = () => toy.open(url, { ...context, previous: session.id });
      opened.push({ session, next });
      return session;
    };
    const hold = await (await place.lock({ drivers: [{ ...toy, open }] })).acquire();
    const lost = told(hold);
    const next = await opened[0]?.next();
    const signal = new AbortController().signal;
    const request = { name: "x", owner: "o", mode: "exclusive", wait: false, signal } as const;
    const granted = await next?.acquire({ ...request, info: { member: "next" } });
    expect(granted).toMatchObject({ token: expect.any(BigInt) });
    expect((await lost).reason).toBe("session");
    await next?.close(signal);
  });
});

describe("a connection that is cut", () => {
  test("while several wait leaves them waiting, in their places", async () => {
    const place = await Place.make();
    const holder = await place.start();
    const [first, second] = [
      await place.start({ agentId: "1" }),
      await place.start({ agentId: "2" }),
    ];
    const watches = [new Watch(first), new Watch(second)];
    const hold = await holder.getLock("x").acquire();
    const order: string[] = [];
    const waits: Promise<void>[] = [];
    for (const coordinator of [first, second]) {
      const lock = coordinator.getLock("x");
      waits.push(lock.run(() => void order.push(coordinator.memberId)));
      await lock.inspect();
    }
    const before = await first.getLock("x").inspect();
    expect(before.waiters).toMatchObject([{ member: "1" }, { member: "2" }]);
    await place.backend.order({ cut: true });
    for (const watch of watches) {
      await watch.until("suspended");
      await watch.until("connected");
    }
    expect(await first.getLock("x").inspect()).toEqual(before);
    await hold.release();
    await Promise.all(waits);
    expect(order).toEqual(["1", "2"]);
    const states = ["connected", "suspended", "connected"];
    expect(watches.map(({ seen }) => seen)).toEqual([states, states]);
  });

  test("again and again costs nobody anything", async () => {
    const place = await Place.make();
    const [holder, other] = [await place.start(), await place.start()];
    const hold = await holder.getLock("x").acquire();
    const waiting = other.getLock("x").acquire();
    const watch = new Watch(other);
    for (let round = 0; round < 20; round++) {
      await watch.until("connected");
      await place.backend.order({ cut: true });
      await watch.until("suspended");
    }
    hold.assertHeld();
    await hold.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
    expect(watch.seen).not.toContain("lost");
  });
});

describe("news that gets lost", () => {
  test("of a grant comes with the next beat", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    const waiting = other.acquire();
    await other.inspect();
    await place.backend.order({ lose: "push" });
    await hold.release();
    const releasedAt = now();
    const next = await waiting;
    expect(now() - releasedAt).toBeLessThan(beat + 100 + slack);
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
  });

  test("of a revocation does too", async () => {
    const place = await Place.make();
    const hold = await (await place.lock()).acquire();
    const lost = told(hold);
    await place.backend.order({ lose: "push" });
    await place.backend.revoke(place.url, "x");
    const revokedAt = now();
    const { at, reason } = await lost;
    expect([reason, at - revokedAt < beat + 100 + slack]).toEqual(["taken", true]);
  });

  test("of a break does too, and whoever breaks has the lock given back", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock({ agentId: "one" }), await place.lock()];
    const hold = await one.acquire();
    const lost = told(hold);
    await place.backend.order({ lose: "push" });
    expect(await other.break()).toMatchObject({
      outcome: "released",
      holders: [{ member: "one" }],
    });
    expect((await lost).reason).toBe("broken");
    expect(await other.tryAcquire()).toMatchObject({ name: "x" });
  });
});

describe("a request that gets lost", () => {
  test("of one who waits is made again: it gets the lock in turn", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    await place.backend.order({ ignore: "acquire" });
    const waiting = other.acquire();
    await hold.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await next.release();
  });

  test("to give back is made again", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    await place.backend.order({ ignore: "release" });
    await hold.release();
    expect(await other.tryAcquire()).toMatchObject({ name: "x" });
  });

  test("of one who gives up is made again by a beat, even if the lock is granted before", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    const controller = new AbortController();
    const rejected = other.acquire({ signal: controller.signal }).catch((error: unknown) => error);
    await other.inspect();
    await place.backend.order({ ignore: "release" });
    controller.abort("enough");
    expect(await rejected).toBe("enough");
    expect((await one.inspect()).waiters).toHaveLength(1);
    await hold.release();
    const next = await one.acquire({ timeout: 2 * beat + slack });
    expect(await other.inspect()).toMatchObject({ holders: [{ token: next.token }], waiters: [] });
    await next.release();
  });
});

describe("an answer that gets lost", () => {
  test("of an acquire is asked for again, as the same owner: one hold, none left over", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    await place.backend.order({ lose: "acquire" });
    const hold = await one.acquire();
    hold.assertHeld();
    expect((await other.inspect()).holders).toMatchObject([{ token: hold.token }]);
    await hold.release();
    expect(await other.inspect()).toEqual({ holders: [], waiters: [] });
  });

  test("of a try makes it COORD_UNAVAILABLE, and what was granted is given back", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    await place.backend.order({ lose: "acquire" });
    // A beat would tell what was granted.
    await place.backend.order({ lose: "beat" });
    const refused = one.tryAcquire();
    await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const refusedAt = now();
    const hold = await other.acquire();
    // Not by the end of the lease, which the beats of the new connection renew.
    expect(now() - refusedAt).toBeLessThan(beat + slack);
    await hold.release();
  });

  test("of a release is asked for again", async () => {
    const place = await Place.make();
    const [one, other] = [await place.lock(), await place.lock()];
    const hold = await one.acquire();
    await place.backend.order({ lose: "release" });
    await hold.release();
    expect(await other.tryAcquire()).toMatchObject({ name: "x" });
  });

  test("of a beat costs a connection and nothing else", async () => {
    const place = await Place.make();
    const coordinator = await place.start();
    const watch = new Watch(coordinator);
    const hold = await coordinator.getLock("x").acquire();
    await place.backend.order({ lose: "beat" });
    await watch.until("suspended");
    await watch.until("connected");
    hold.assertHeld();
    expect(watch.seen).toEqual(["connected", "suspended", "connected"]);
    await hold.release();
  });
});
