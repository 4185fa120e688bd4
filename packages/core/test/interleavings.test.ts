import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { Coordinator, type CoordinatorOptions } from "@coord/core";
import { away, Scripted } from "./scripted.js";

const never = new Promise<never>(() => {});
const settled = (): Promise<void> => new Promise(setImmediate);

async function started(
  options: CoordinatorOptions = {},
): Promise<{ backend: Scripted; coordinator: Coordinator }> {
  const backend = new Scripted();
  const coordinator = new Coordinator({
    backendUrl: "scripted:",
    drivers: [backend.driver],
    initialReconnectBackoff: 1,
    maxReconnectBackoff: 5,
    agentId: "me",
    ...options,
  });
  await coordinator.start();
  onTestFinished(() => coordinator.stop());
  return { backend, coordinator };
}

describe("who is told of a loss and stops the coordinator", () => {
  test("has stopped it: it does not come back to life", async () => {
    const { backend, coordinator } = await started();
    const hold = await coordinator.getLock("x").acquire();
    hold.signal.addEventListener("abort", () => void coordinator.stop());
    backend.session.end("expired");
    await settled();
    expect([coordinator.state, coordinator.started]).toEqual(["stopped", false]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(backend.sessions).toHaveLength(1);
  });

  test("within another stop() waits for the same end, and a start() follows it", async () => {
    const { backend, coordinator } = await started();
    const hold = await coordinator.getLock("x").acquire();
    let close: () => void = () => {};
    backend.session.closing = () => new Promise((resolve) => (close = resolve));
    const order: string[] = [];
    hold.signal.addEventListener("abort", () => {
      void coordinator.stop().then(() => order.push("inner stop"));
      void coordinator.start().then(() => order.push("start"));
    });
    const outer = coordinator.stop().then(() => order.push("outer stop"));
    await settled();
    expect(order).toEqual([]);
    close();
    await outer;
    await coordinator.start();
    expect(order.slice(0, 2).toSorted()).toEqual(["inner stop", "outer stop"]);
    expect(coordinator.state).toBe("connected");
  });

  test("hears of a loss only when the state says so", async () => {
    const { backend, coordinator } = await started();
    const hold = await coordinator.getLock("x").acquire();
    const states: string[] = [];
    hold.signal.addEventListener("abort", () => states.push(coordinator.state));
    backend.session.end("expired");
    await settled();
    expect(states).toEqual(["lost"]);
  });
});

test("a stop() at any moment of opening leaves no session open", async () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const backend = new Scripted();
    const coordinator = new Coordinator({ backendUrl: "scripted:", drivers: [backend.driver] });
    const starting = coordinator.start().catch(() => {});
    await settledWhen(() => backend.sessions.length > 0);
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    await coordinator.stop();
    await starting;
    await settled();
    expect([ticks, coordinator.state, backend.calls.filter((call) => call === "close")]).toEqual([
      ticks,
      "stopped",
      ["close"],
    ]);
  }
});

describe("a request whose caller gave up", () => {
  test("in the moment of its turn never reaches the driver", async () => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const { backend, coordinator } = await started();
      const lock = coordinator.getLock("x");
      const hold = await lock.acquire();
      const controller = new AbortController();
      const waiting = lock.acquire({ signal: controller.signal }).catch(() => "aborted" as const);
      await settled();
      const released = hold.release();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      controller.abort();
      const got = await waiting;
      if (got !== "aborted") await got.release();
      await released;
      await settled();
      const begun = got === "aborted" ? backend.session.requests.slice(1) : [];
      expect([ticks, begun.every(({ signal }) => signal.aborted)]).toEqual([ticks, true]);
      // Only one that began before the abort may be there.
      await (await lock.acquire({ timeout: 1_000 })).release();
    }
  });

  test("which the driver never answers holds up the name until that session ends, not longer", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    backend.session.asking = () => never;
    await expect(lock.acquire({ timeout: 10 })).rejects.toMatchObject({ code: "COORD_BUSY" });
    const next = lock.acquire();
    backend.session.end("session");
    await (await next).release();
    expect(backend.sessions).toHaveLength(2);
  });

  test("and one of a driver that throws instead of rejecting holds up nothing", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const { session } = backend;
    Object.assign(session, {
      acquire: () => {
        throw new TypeError("of the driver");
      },
    });
    await expect(lock.acquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    // What it has from its class is there again.
    Reflect.deleteProperty(session, "acquire");
    await (await lock.acquire()).release();
  });
});

describe("a release that fails", () => {
  test("is tried again until it is done, and so is that of a late grant", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    let failures = 2;
    backend.session.releasing = async () => {
      if (failures-- > 0) throw away();
    };
    await expect(hold.release()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const next = await lock.acquire();
    expect(backend.calls.filter((call) => call === "release x")).toHaveLength(3);
    await next.release();
  });

  test("is over with its session", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    const hold = await lock.acquire();
    backend.session.releasing = () => Promise.reject(away());
    await expect(hold.release()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    const next = lock.acquire();
    backend.session.end("session");
    await (await next).release();
  });

  test("because it was not ours any more is the news of a loss to run()", async () => {
    const { backend, coordinator } = await started();
    const lost = coordinator.getLock("x").run(() => {
      backend.held.delete("x");
      return 42;
    });
    await expect(lost).rejects.toMatchObject({ code: "COORD_LOST", reason: "taken", result: 42 });
  });
});

describe("busy and unavailable", () => {
  test("are told apart behind a neighbour who waits: suspended is unavailable", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    backend.session.asking = () => never;
    void lock.acquire().catch(() => {});
    await settled();
    backend.session.context.state("suspended");
    await expect(lock.tryAcquire()).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
  });

  test("are told apart after a timeout: a backend that cannot say who holds it is unavailable", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    backend.session.asking = () => never;
    backend.session.inspect = () => Promise.reject(away());
    await expect(lock.acquire({ timeout: 10 })).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
    await expect(lock.tryAcquire({ timeout: 10 })).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
    });
  });

  test("a try under way when the backend stops answering is unavailable at once", async () => {
    const { backend, coordinator } = await started();
    backend.session.asking = () => never;
    const trying = coordinator.getLock("x").tryAcquire();
    await settled();
    backend.session.context.state("suspended");
    await expect(trying).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
  });

  test("finding out who holds it ends with the signal and with stop()", async () => {
    const { backend, coordinator } = await started();
    const lock = coordinator.getLock("x");
    backend.session.asking = () => never;
    backend.session.inspect = () => never;
    const controller = new AbortController();
    const first = lock.acquire({ timeout: 5, signal: controller.signal });
    const second = coordinator.getLock("y").acquire({ timeout: 5 });
    const ended = Promise.allSettled([first, second]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort("enough");
    await coordinator.stop();
    expect(await ended).toMatchObject([
      { reason: "enough" },
      { reason: { code: "COORD_STOPPED" } },
    ]);
  });
});

describe("a logger that throws", () => {
  test("breaks nothing: not a reconnect, not a release, not stop()", async () => {
    const fail = (): never => {
      throw new Error("of the logger");
    };
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const { backend, coordinator } = await started({ logger });
    backend.session.beating = () => Promise.reject(away());
    backend.session.releasing = () => Promise.reject(away());
    const error = new Error("of the body");
    await expect(coordinator.getLock("x").run(() => Promise.reject(error))).rejects.toBe(error);
    backend.session.end("session");
    await (await coordinator.getLock("y").acquire()).release();
    expect(backend.sessions).toHaveLength(2);
    backend.session.closing = () => Promise.reject(away());
    await coordinator.stop();
    expect(coordinator.state).toBe("stopped");
  });
});

test("a session that ends again and again is replaced at longer and longer intervals", async () => {
  const { backend } = await started({ initialReconnectBackoff: 10, maxReconnectBackoff: 1_000 });
  const ended = new Set<unknown>();
  const until = performance.now() + 500;
  while (performance.now() < until) {
    if (!ended.has(backend.session)) {
      ended.add(backend.session);
      backend.session.end("session");
    }
    await settled();
  }
  // At 10 ms each it would be 50.
  expect(backend.sessions.length).toBeLessThan(25);
});

test("what was asked of a session is not done after that has ended: its signal is aborted", async () => {
  const { coordinator, backend } = await started();
  const lock = coordinator.getLock("x");
  for (const call of ["break", "inspect"] as const) {
    let signal: AbortSignal | undefined;
    const asked = (...args: unknown[]): Promise<never> => {
      signal = args.at(-1) as AbortSignal;
      return new Promise(() => {});
    };
    Object.assign(backend.session, { [call]: asked });
    const outcome = lock[call]();
    await settled();
    expect(signal?.aborted).toBe(false);
    backend.session.end("session");
    await expect(outcome).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(signal?.aborted).toBe(true);
    await expect.poll(() => coordinator.state).toBe("connected");
  }
});

test("options that nobody knows are refused, not ignored", async () => {
  const { coordinator } = await started();
  const lock = coordinator.getLock("x");
  const message = 'There is no option "timeOut". Use one of: timeout, signal, shared.';
  const refused = { code: "COORD_BAD_OPTION", message };
  await expect(lock.acquire({ timeOut: 5 } as object)).rejects.toMatchObject(refused);
  const hold = await lock.acquire();
  for (const atLeast of [Number.NaN, -1]) {
    expect(() => hold.assertHeld({ atLeast })).toThrow(/"atLeast" must be a number/);
  }
  expect(() => hold.assertHeld({ atleast: 5 } as object)).toThrow("Use one of: atLeast.");
  await hold.release();
});

test("a program that only waits for an answer keeps running although its driver's timers do not", () => {
  const core = new URL("../dist/", import.meta.url).href;
  const program = `
    import { Coordinator } from "${core}index.js";
    import { endless } from "${core}driver.js";
    const later = (value) => new Promise((resolve) => setTimeout(resolve, 50, value).unref());
    const session = {
      id: "1", lease: endless, beatEvery: Infinity, ended: new Promise(() => {}),
      traits: { shared: false },
      acquire: () => later({ busy: true }),
      inspect: () => later({ holders: [], waiters: [] }),
      break: () => later({ outcome: "free", holders: [] }),
      close: () => later(),
    };
    const driver = { name: "slow", schemes: ["slow"], options: {}, open: () => later(session) };
    const coordinator = new Coordinator({ backendUrl: "slow:", drivers: [driver] });
    await coordinator.start();
    const lock = coordinator.getLock("x");
    await lock.inspect();
    await lock.break();
    await lock.acquire({ timeout: 0 }).catch((error) => console.log(error.code));
    await coordinator.stop();
    console.log("done");
  `;
  const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  expect([stdout, status]).toEqual(["COORD_BUSY\ndone\n", 0]);
});

async function settledWhen(condition: () => boolean): Promise<void> {
  while (!condition()) await Promise.resolve();
}

test("a session that ends in the moment of a request's turn never gets the request", async () => {
  for (let ticks = 0; ticks < 8; ticks++) {
    const { backend, coordinator } = await started();
    const first = backend.session;
    const requested: boolean[] = [];
    let over = false;
    first.asking = () => {
      requested.push(over);
      return never;
    };
    const waiting = coordinator.getLock("x").acquire();
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    first.end("session");
    await Promise.resolve();
    over = true;
    const hold = await waiting;
    expect([ticks, requested.includes(true)]).toEqual([ticks, false]);
    await hold.release();
  }
});
