import { describe, expect, test } from "vitest";
import { Coordinator } from "@coord/core";
import { onAbort } from "../src/abort.js";
import { resolveDriver } from "../src/resolve.js";
import { unmetTraits } from "../src/traits.js";
import { machines } from "./machines.js";
import { pretendProgram } from "./program-folder.js";
import { Scripted } from "./scripted.js";
import { errorOf, isHeld, outcome, pending, settled, world } from "./world.js";

describe("onAbort of a signal that is aborted already", () => {
  test("calls back soon, once, and not if that was taken back", async () => {
    const called: string[] = [];
    const signal = AbortSignal.abort();
    const takeBack = onAbort(signal, () => called.push("a"));
    onAbort(signal, () => called.push("b"))();
    expect(called).toEqual([]);
    await settled();
    takeBack();
    expect(called).toEqual(["a"]);
  });
});

describe("who holds a busy lock", () => {
  const refusals: [string, (backend: Scripted) => void, string][] = [
    ["is unknown where the backend does not say", () => {}, "is held by somebody"],
    [
      "is unknown when that cannot be learned",
      ({ session }) => (session.inspect = () => Promise.reject(new Error("EIO"))),
      "could not be had in time",
    ],
  ];
  test.each(refusals)("%s, and the lock is busy all the same", async (_, prepare, said) => {
    const backend = new Scripted();
    const make = () => new Coordinator({ backendUrl: "scripted:", drivers: [backend.driver] });
    const [one, other] = [make(), make()];
    await one.start();
    await other.start();
    const hold = await one.getLock("x").acquire();
    prepare(backend);
    const refused = other.getLock("x").acquire({ timeout: 0 });
    const message = expect.stringContaining(said);
    await expect(refused).rejects.toMatchObject({ code: "COORD_BUSY", message });
    await hold.release();
    await Promise.all([one.stop(), other.stop()]);
  });

  test("is not waited for by who did not want to wait either", async () => {
    const backend = new Scripted();
    const make = () => new Coordinator({ backendUrl: "scripted:", drivers: [backend.driver] });
    const [one, other] = [make(), make()];
    await Promise.all([one.start(), other.start()]);
    const hold = await one.getLock("x").acquire();
    backend.session.inspect = () => new Promise(() => {});
    const aborted = new AbortController();
    const { signal } = aborted;
    const asked = errorOf(other.getLock("x").acquire({ timeout: 0, signal }));
    await settled();
    aborted.abort(new Error("enough"));
    expect(await outcome(asked)).toBe(signal.reason);
    await hold.release();
    await Promise.all([one.stop(), other.stop()]);
  });

  test("is not waited for when the caller does not want to any more", async () => {
    const { clock, start, backend } = world();
    const [one, other] = [await start(), await start()];
    await one.getLock("x").acquire();
    backend.dropReply("inspect");
    const aborted = new AbortController();
    const { signal } = aborted;
    const asked = errorOf(other.getLock("x").acquire({ timeout: 100, signal }));
    await clock.advance(200);
    expect(await outcome(asked)).toBe(pending);
    aborted.abort(new Error("enough"));
    expect(await outcome(asked)).toBe(signal.reason);
  });
});

describe("a session", () => {
  test("whose backend stops answering while it opens is suspended from the start", async () => {
    const backend = new Scripted();
    const coordinator = new Coordinator({
      backendUrl: "scripted:",
      drivers: [
        {
          ...backend.driver,
          open: async (url, context) => {
            const session = await backend.driver.open(url, context);
            context.state("suspended");
            return session;
          },
        },
      ],
    });
    await coordinator.start();
    expect(coordinator.state).toBe("suspended");
    const waiting = coordinator.getLock("x").acquire();
    expect(await outcome(waiting)).toBe(pending);
    backend.session.context.state("connected");
    expect(coordinator.state).toBe("connected");
    await (await waiting).release();
    await coordinator.stop();
  });

  test("that the server knows no more says so to who wants to break a lock", async () => {
    const { clock, of, server } = machines();
    const { machine, coordinator } = await of();
    machine.link.down = true;
    server.end(machine.session, "session");
    await settled();
    machine.link.down = false;
    const broken = coordinator.getLock("x").break();
    expect(await outcome(errorOf(broken))).toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(coordinator.state).toBe("lost");
    await clock.advance(70_000);
    expect(coordinator.state).toBe("connected");
  });
});

describe("memory", () => {
  test("has nothing to lose of who is not there", async () => {
    const { start, backend } = world();
    const hold = await (await start()).getLock("x").acquire();
    backend.lose("nobody");
    backend.revoke("y");
    await settled();
    expect(isHeld(hold)).toBe(true);
  });

  test("drops and delays the replies of the calls named, the next ones if there are several", async () => {
    const { clock, start, backend } = world();
    const coordinator = await start({ ttl: 60_000 });
    backend.dropReply("inspect");
    backend.dropReply("inspect");
    const lock = coordinator.getLock("x");
    const inspections = Promise.allSettled([lock.inspect(), lock.inspect(), lock.inspect()]);
    await clock.advance(5_000);
    expect((await inspections).map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    // None was left for another operation.
    await clock.advance(60_000);
    expect(coordinator.state).toBe("connected");
  });
});

describe("small choices", () => {
  test("an unknown scheme is refused naming all that there are, those of given drivers too", async () => {
    const { driver } = new Scripted();
    const message = expect.stringMatching(/"nope:".*"file:".*"scripted:"/);
    await expect(resolveDriver("nope", [driver])).rejects.toMatchObject({ message });
    const [program] = process.argv.splice(1, 1);
    try {
      const missing = { code: "COORD_DRIVER_MISSING" };
      await expect(resolveDriver("file", [])).rejects.toMatchObject(missing);
    } finally {
      process.argv.splice(1, 0, program as string);
    }
  });

  test("a trait that is asked for as undefined is not asked for, and one unknown here is not met", () => {
    const { traits } = new Scripted();
    expect(unmetTraits(traits, { fair: undefined } as unknown as {})).toEqual([]);
    expect(unmetTraits(traits, { colour: "red" } as {})).toEqual([
      'colour is unknown here, not "red"',
    ]);
  });

  test("a driver's package that the program has is found without an import, beside the program", async () => {
    const registry = "globalThis[Symbol.for('@coord/core.drivers.v1')]";
    const driver = '{ name: "beside the program", schemes: ["file"], options: {} }';
    pretendProgram(`${registry}.set("file", ${driver});`);
    await expect(resolveDriver("file", [])).resolves.toMatchObject({ name: "beside the program" });
  });
});
