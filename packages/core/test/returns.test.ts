import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Coordinator } from "@coord/core";
import { startLease, type Busy, type Grant } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { Scripted, ScriptedGrant } from "./scripted.js";
import { errorOf, isHeld, outcome, pending, recorder, settled, ttl } from "./world.js";

describe("giving back", () => {
  async function prepared() {
    // The longest delays that chance may give: 300, 900, 2,700, 5,000 ms and so on.
    const random = vi.spyOn(Math, "random").mockReturnValue(1);
    onTestFinished(() => random.mockRestore());
    const [backend, clock] = [new Scripted(), new VirtualClock()];
    const coordinator = new Coordinator({
      backendUrl: "scripted:",
      drivers: [backend.driver],
      clock,
      ttl,
      maxReconnectBackoff: 200,
    });
    await coordinator.start();
    const releases = (): number => backend.calls.filter((call) => call === "release x").length;
    return { backend, clock, coordinator, lock: coordinator.getLock("x"), releases };
  }

  test("is tried again until it is done, at longer and longer intervals, and the name is free then", async () => {
    const { backend, clock, coordinator, lock, releases } = await prepared();
    const hold = await lock.acquire();
    backend.session.releasing = () => Promise.reject(new Error("EPIPE"));
    await expect(hold.release()).rejects.toThrow("EPIPE");
    const next = lock.acquire();
    await clock.advance(300 + 900 + 2_700 + 5_000);
    expect(releases()).toBe(5);
    await clock.advance(20_000);
    expect(releases()).toBe(9);
    expect(await outcome(next)).toBe(pending);
    backend.session.releasing = () => Promise.resolve();
    await clock.advance(5_000);
    expect(await outcome(next)).toMatchObject({ token: 2n });
    await coordinator.stop();
  });

  test("is not tried again while the driver is still at it, however late: what it says then counts", async () => {
    const { backend, clock, coordinator, lock, releases } = await prepared();
    const hold = await lock.acquire();
    let answer: (error: Error | undefined) => void = () => {};
    backend.session.releasing = () =>
      new Promise((resolve, reject) => {
        answer = (error) => (error ? reject(error) : resolve());
      });
    const released = errorOf(hold.release());
    const next = lock.acquire();
    await clock.advance(12_000);
    expect(await released).toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect([releases(), await outcome(next)]).toEqual([1, pending]);
    answer(new Error("EPIPE"));
    await clock.advance(300);
    expect([releases(), await outcome(next)]).toEqual([2, pending]);
    await clock.advance(12_000);
    answer(undefined);
    await settled();
    expect([releases(), await outcome(next)]).toMatchObject([2, { token: 2n }]);
    await coordinator.stop();
  });

  test("ends with stop(): no timer is left, and the session that was closed is asked nothing more", async () => {
    const { backend, clock, coordinator, lock, releases } = await prepared();
    const hold = await lock.acquire();
    backend.session.releasing = () => Promise.reject(new Error("EPIPE"));
    await expect(hold.release()).rejects.toThrow("EPIPE");
    await coordinator.stop();
    expect([clock.pending, releases()]).toEqual([0, 1]);
  });

  test("ends with the session, whether it is being tried or waits to be tried again", async () => {
    for (const releasing of [
      () => Promise.reject(new Error("EPIPE")),
      () => new Promise<void>(() => {}),
    ]) {
      const { backend, clock, coordinator, lock, releases } = await prepared();
      const hold = await lock.acquire();
      backend.session.releasing = releasing;
      const released = errorOf(hold.release());
      const next = lock.acquire();
      await clock.advance(3_000);
      backend.session.end("session");
      await clock.advance(500);
      expect(await outcome(next)).toMatchObject({ token: 2n });
      const before = releases();
      await clock.advance(20_000);
      expect(await released).toMatchObject({ code: "COORD_UNAVAILABLE" });
      expect(releases()).toBe(before);
      await coordinator.stop();
    }
  });

  test("of a grant that nobody waits for is tried again too, and a late refusal leaves nothing to do", async () => {
    const { backend, clock, coordinator, lock, releases } = await prepared();
    const { session } = backend;
    let goOn: () => void = () => {};
    session.asking = () => new Promise((resolve) => (goOn = resolve));
    session.deaf = true;
    session.releasing = () => Promise.reject(new Error("EPIPE"));
    const asked = errorOf(lock.acquire({ timeout: 100 }));
    await clock.advance(400);
    expect(await asked).toMatchObject({ code: "COORD_BUSY" });
    goOn();
    await clock.advance(300 + 900);
    expect(releases()).toBe(3);
    session.releasing = () => Promise.resolve();
    await clock.advance(5_000);
    const held = backend.held.size;
    const trying = errorOf(lock.tryAcquire());
    await settled();
    session.context.state("suspended");
    expect(await trying).toMatchObject({ code: "COORD_UNAVAILABLE" });
    session.context.state("connected");
    backend.held.set("x", new ScriptedGrant(9n, async () => "released"));
    goOn();
    await settled();
    backend.held.clear();
    session.asking = () => Promise.resolve();
    expect([held, await outcome(lock.acquire())]).toMatchObject([0, { name: "x" }]);
    await coordinator.stop();
  });
});

describe("a grant whose own lease is over when it comes", () => {
  /** A session that grants first with a lease that is over, then with one that is not. */
  async function prepared(releasing: () => Promise<"released">) {
    const [backend, clock] = [new Scripted(), new VirtualClock()];
    const log: string[] = [];
    const options = { drivers: [backend.driver], clock, ttl, logger: recorder(log) };
    const coordinator = new Coordinator({ ...options, backendUrl: "scripted:" });
    await coordinator.start();
    const owners: string[] = [];
    backend.session.acquire = async ({ owner }): Promise<Grant | Busy> => {
      const sentAt = owners.push(owner) === 1 ? clock.now() - ttl : clock.now();
      return {
        token: BigInt(owners.length),
        lease: startLease(clock, { sentAt, ttl }),
        lost: new Promise(() => {}),
        release: releasing,
      };
    };
    return { clock, coordinator, owners, log };
  }

  test("is not given back a second time while that is under way, also where nobody waits any more", async () => {
    let [asked, answer] = [0, (): void => {}];
    const { coordinator, clock } = await prepared(() => {
      asked += 1;
      return new Promise((resolve) => (answer = () => resolve("released")));
    });
    const waiting = errorOf(coordinator.getLock("x").acquire({ timeout: 1_000 }));
    await clock.advance(12_000);
    expect(await waiting).toMatchObject({ code: "COORD_BUSY" });
    expect(asked).toBe(1);
    answer();
    await settled();
    // Once more, to be sure, as of any grant that nobody waits for.
    expect(asked).toBe(2);
    answer();
    await coordinator.stop();
  });

  test("is given back, and the lock is asked for again as the same owner", async () => {
    const { coordinator, owners, clock } = await prepared(async () => "released");
    const hold = await coordinator.getLock("x").acquire();
    expect([hold.token, owners.length, new Set(owners).size]).toEqual([2n, 2, 1]);
    expect(isHeld(hold)).toBe(true);
    await clock.advance(ttl);
    expect(hold.signal.reason).toMatchObject({ reason: "expired" });
    await coordinator.stop();
  });

  test("is asked for again although giving it back failed, and that is said in the log", async () => {
    const failing = (): Promise<never> => Promise.reject(new Error("EPIPE"));
    const { coordinator, log } = await prepared(failing);
    expect(await coordinator.getLock("x").acquire()).toMatchObject({ token: 2n });
    expect(log).toEqual([expect.stringContaining("EPIPE")]);
    await coordinator.stop();
  });

  test("holds up nobody who gives up meanwhile", async () => {
    const { coordinator } = await prepared(() => new Promise(() => {}));
    const aborted = new AbortController();
    const asked = errorOf(coordinator.getLock("x").acquire({ signal: aborted.signal }));
    await settled();
    aborted.abort(new Error("enough"));
    expect(await outcome(asked)).toBe(aborted.signal.reason);
    void coordinator.stop();
  });
});
