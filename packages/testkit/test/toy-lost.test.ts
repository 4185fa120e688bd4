import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Driver, Session } from "@coord/core/driver";
import { toy } from "./toy/driver.js";
import { beat, now, Place, slack, told, Watch } from "./toy/place.js";

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
    expect(await one.inspect()).toMatchObject({ holders: [{ token: next.token }], waiters: [] });
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

describe("what comes late", () => {
  test("by an older connection of a session is not listened to", async () => {
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

  test("for an earlier session comes to nothing: the next one ends it, with all that it held", async () => {
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
    const onAbort = (): (() => void) => () => {};
    const request = { name: "x", owner: "o", mode: "exclusive", wait: false } as const;
    const granted = await next?.acquire({ ...request, signal, onAbort, info: { member: "next" } });
    expect(granted).toMatchObject({ token: expect.any(BigInt) });
    expect((await lost).reason).toBe("session");
    await next?.close(signal);
  });
});
