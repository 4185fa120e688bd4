import { getEventListeners } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { connect, type Coordinator, type CoordinatorOptions } from "@coord/core";
import type { AcquireRequest } from "@coord/core/driver";
import { away, Scripted } from "./scripted.js";

const settled = (): Promise<void> => new Promise(setImmediate);

async function started(
  options: Omit<CoordinatorOptions, "backendUrl"> = {},
): Promise<{ backend: Scripted; coordinator: Coordinator }> {
  const backend = new Scripted();
  const coordinator = await connect("scripted:", {
    drivers: [backend.driver],
    initialReconnectBackoff: 1,
    maxReconnectBackoff: 5,
    agentId: "me",
    ...options,
  });
  onTestFinished(() => coordinator.stop());
  return { backend, coordinator };
}

/** Makes the session's next `acquire()` hang until it is told to go on. */
function hang(backend: Scripted): { asked: Promise<AcquireRequest>; goOn: () => void } {
  let goOn: () => void = () => {};
  const asked = new Promise<AcquireRequest>((resolve) => {
    backend.session.asking = (request) => {
      backend.session.asking = () => Promise.resolve();
      resolve(request);
      return new Promise((go) => (goOn = go));
    };
  });
  return { asked, goOn: () => goOn() };
}

describe("asking for a lock", () => {
  test("never puts two requests for one name to the session at once", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    const waiting = Array.from({ length: 10 }, () => lock.acquire());
    await settled();
    expect(backend.session.requests).toHaveLength(1);
    const { asked, goOn } = hang(backend);
    await hold.release();
    await asked;
    expect(backend.session.requests).toHaveLength(2);
    goOn();
    for (const wait of waiting) await (await wait).release();
    expect(backend.session.requests).toHaveLength(11);
    expect(new Set(backend.session.requests.map(({ owner }) => owner)).size).toBe(11);
  });

  test("waits for the release to be done before the next one asks", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    let released: () => void = () => {};
    backend.session.releasing = () => new Promise((resolve) => (released = resolve));
    const next = lock.acquire();
    const releasing = hold.release();
    await settled();
    expect(backend.session.requests).toHaveLength(1);
    released();
    await releasing;
    expect((await next).token).toBe(2n);
  });

  test("a lock of this process that is busy names its own holder without asking the backend", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    const refused = lock.acquire({ timeout: 0 });
    await expect(refused).rejects.toMatchObject({
      code: "COORD_BUSY",
      message: expect.stringContaining('"x" is held by me (process'),
      holders: [{ member: "me", pid: process.pid, token: hold.token, since: expect.any(Date) }],
    });
    expect(backend.calls).not.toContain("inspect x");
    await expect(lock.tryAcquire()).resolves.toBeUndefined();
  });

  test("a lock of others that is busy names the holder the backend knows", async () => {
    const { backend, coordinator } = await started();
    const other = await connect("scripted:", { drivers: [backend.driver] });
    onTestFinished(() => other.stop());
    await other.getLock("x").acquire();
    const refused = coordinator.getLock("x").acquire({ timeout: 20 });
    await expect(refused).rejects.toMatchObject({
      code: "COORD_BUSY",
      holders: [{ member: "somebody" }],
    });
  });

  test("an error of the driver is COORD_UNAVAILABLE with its cause, and the next one gets its turn", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const cause = new Error("EIO");
    backend.session.asking = () => Promise.reject(cause);
    const [first, second] = [lock.acquire(), lock.acquire()];
    const refused = { code: "COORD_UNAVAILABLE", cause };
    await Promise.all([
      expect(first).rejects.toMatchObject(refused),
      expect(second).rejects.toMatchObject(refused),
    ]);
    backend.session.asking = () => Promise.resolve();
    await (await lock.acquire()).release();
  });

  test("an aborted signal ends it before it began, while it queues here, and while the backend has it", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const reason = new Error("enough");
    await expect(lock.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(backend.session.requests).toHaveLength(0);

    const { asked, goOn } = hang(backend);
    const [atBackend, queued] = [new AbortController(), new AbortController()];
    const first = lock.acquire({ signal: atBackend.signal });
    const second = lock.acquire({ signal: queued.signal });
    const third = lock.acquire();
    await asked;
    queued.abort(reason);
    await expect(second).rejects.toBe(reason);
    atBackend.abort(reason);
    await expect(first).rejects.toBe(reason);
    // The backend still works on the first: the third must not be there beside it.
    expect(backend.session.requests).toHaveLength(1);
    goOn();
    await (await third).release();
    expect(getEventListeners(atBackend.signal, "abort")).toEqual([]);
    expect(getEventListeners(queued.signal, "abort")).toEqual([]);
  });

  test("what is granted after the caller gave up is given back", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const { asked, goOn } = hang(backend);
    backend.session.deaf = true;
    const waiting = lock.acquire({ timeout: 20 });
    await asked;
    await expect(waiting).rejects.toMatchObject({ code: "COORD_BUSY" });
    goOn();
    const next = await lock.acquire();
    expect(backend.calls).toContain("release x");
    expect(next.token).toBe(2n);
  });

  test("the time runs while it queues in this process too", async () => {
    const { coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    await expect(lock.tryAcquire({ timeout: 20 })).resolves.toBeUndefined();
    await hold.release();
    await (await lock.acquire({ timeout: 2 ** 33 })).release();
    await (await lock.acquire({ timeout: Infinity })).release();
  });

  test("a driver without shared locks refuses them, and one with them lets readers in together", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const readers = [await lock.acquire({ shared: true }), await lock.acquire({ shared: true })];
    expect(readers.map(({ shared }) => shared)).toEqual([true, true]);
    for (const reader of readers) await reader.release();
    backend.traits = { ...backend.traits, shared: false };
    await expect(lock.acquire({ shared: true })).rejects.toMatchObject({
      code: "COORD_UNSUPPORTED",
    });
  });

  test("what a driver cannot do is COORD_UNSUPPORTED", async () => {
    const { coordinator } = await started();
    await expect(coordinator.getLock("x").break()).rejects.toMatchObject({
      code: "COORD_UNSUPPORTED",
    });
  });
});

describe("a session that ends", () => {
  test("loses what is held, once, and what comes back is a new hold", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    const told: unknown[] = [];
    hold.signal.addEventListener("abort", () => told.push(hold.signal.reason));
    const next = lock.acquire();
    backend.session.end("expired");
    const after = await next;
    expect(told).toEqual([expect.objectContaining({ code: "COORD_LOST", reason: "expired" })]);
    expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "expired" }));
    expect(hold.remaining()).toBe(0);
    expect(after.token).toBeGreaterThan(hold.token);
    await hold.release();
    after.assertHeld();
    await after.release();
  });

  test("those who wait ask the next one, as the same owner", async () => {
    const { backend, coordinator } = await started();
    const { asked } = hang(backend);
    const waiting = coordinator.getLock("x").acquire();
    const { owner } = await asked;
    backend.session.end("session");
    const hold = await waiting;
    expect(backend.sessions).toHaveLength(2);
    expect(backend.session.requests.map((request) => request.owner)).toEqual([owner]);
    await hold.release();
  });

  test("a wait that rejects because of it is not an error of the caller's", async () => {
    const { backend, coordinator } = await started();
    const first = backend.session;
    first.asking = async () => {
      first.end("session");
      await settled();
      throw away();
    };
    await (await coordinator.getLock("x").acquire()).release();
    expect(backend.sessions).toHaveLength(2);
  });

  test("what it grants with its last breath is not taken for held", async () => {
    const { backend, coordinator } = await started();
    const first = backend.session;
    first.asking = async () => {
      first.end("session");
      await settled();
    };
    const hold = await coordinator.getLock("x").acquire();
    expect(backend.sessions).toHaveLength(2);
    // What the first one granted ended with it.
    expect([...backend.held.values()].map(({ token }) => token)).toEqual([hold.token]);
  });
});

describe("a backend that stops answering", () => {
  test("and then grants has granted: the hold counts, because the session goes on", async () => {
    const { backend, coordinator } = await started();
    const { asked, goOn } = hang(backend);
    const waiting = coordinator.getLock("x").acquire();
    await asked;
    backend.session.context.state("suspended");
    goOn();
    const hold = await waiting;
    hold.assertHeld();
    expect(backend.session.requests).toHaveLength(1);
    backend.session.context.state("connected");
    await hold.release();
    expect(backend.held.size).toBe(0);
  });

  test("and refuses is asked again, as the same owner, when it answers", async () => {
    const { backend, coordinator } = await started();
    const first = backend.session;
    first.asking = async () => {
      first.asking = () => Promise.resolve();
      first.context.state("suspended");
      throw away();
    };
    const waiting = coordinator.getLock("x").acquire();
    await settled();
    first.context.state("connected");
    await (await waiting).release();
    expect(backend.sessions).toHaveLength(1);
    expect(new Set(first.requests.map(({ owner }) => owner)).size).toBe(1);
    expect(first.requests).toHaveLength(2);
  });
});

describe("nothing is left behind", () => {
  test("by 10,000 holds and 1,000 waits that were aborted: no listener, no request, no name", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const before = process.getActiveResourcesInfo().toSorted();
    for (let turn = 0; turn < 10_000; turn++) await (await lock.acquire()).release();
    const hold = await lock.acquire();
    const controller = new AbortController();
    const waits = Array.from({ length: 1_000 }, () => lock.acquire({ signal: controller.signal }));
    const all = Promise.allSettled(waits);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    expect(new Set((await all).map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await hold.release();
    expect(backend.held.size).toBe(0);
    expect(process.getActiveResourcesInfo().toSorted()).toEqual(before);
  });
});
