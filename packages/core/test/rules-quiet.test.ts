import { spawnSync } from "node:child_process";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Coordinator, isCoordError } from "@coord/core";
import { VirtualClock } from "@coord/core/memory";
import { Scripted } from "./scripted.js";
import { errorOf, recorder, settled, ttl, world } from "./world.js";

/** Runs a program against the build; gives all it printed, and how it ended. */
function program(source: string): { status: number | null; printed: string } {
  const args = ["--input-type=module", "--trace-warnings", "-e", source];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, printed: stdout + stderr };
}

const preparation = `
  import { Coordinator } from "@coord/core";
  import { memory, VirtualClock } from "@coord/core/memory";
  const clock = new VirtualClock();
  const backend = memory({ clock });
  const make = (agentId) => new Coordinator({ backendUrl: "memory:", drivers: [backend], clock, ttl: 9_000, agentId });
  const operations = ["open", "beat", "acquire", "release", "inspect", "break", "close"];
  const ignored = () => {};
`;

test("R11 in a life full of troubles nothing is printed, and no rejection is unhandled", () => {
  const lived = program(`${preparation}
    for (let round = 0; round < 40; round++) {
      const [one, other] = [make("one"), make("other")];
      const starts = [one.start(), other.start()];
      starts.forEach((start) => start.catch(ignored));
      await clock.advance(10);
      const work = [];
      for (const coordinator of [one, other]) {
        if (!coordinator.started) continue;
        for (const name of ["x", "y", "x"]) {
          const lock = coordinator.getLock(name);
          const controller = new AbortController();
          clock.timer(100 * round, () => controller.abort());
          work.push(lock.acquire({ signal: controller.signal }), lock.acquire({ timeout: 700 }));
          work.push(lock.tryAcquire({ shared: true }), lock.inspect(), lock.break({ force: round % 2 === 0 }));
          work.push(lock.run(async (hold) => { await new Promise((resolve) => clock.timer(300, resolve)); }));
          work.push(lock.run(() => lock.run(ignored)), lock.run(() => { throw new Error("body"); }));
        }
      }
      // What they come to is nobody's business: no promise but these may reject.
      for (const each of work) each.catch(ignored);
      const nth = 1 + (round % 3);
      backend.dropReply(operations[round % 7], nth);
      backend.delayReply(operations[(round + 3) % 7], 250 * round, nth);
      await clock.advance(400);
      if (round % 5 === 1) backend.down();
      if (round % 5 === 2) clock.freeze(10_000);
      if (round % 5 === 3) clock.sleep(10_000);
      if (round % 5 === 4) backend.lose("one");
      backend.revoke("x");
      await clock.advance(12_000);
      backend.up();
      const stops = [one.stop(), other.stop()];
      await clock.advance(30_000);
      await Promise.all(stops);
    }
    await clock.advance(100_000);`);
  expect(lived).toEqual({ status: 0, printed: "" });
});

test("R11 what a listener throws is the program's own, and all others are told", () => {
  const lived = program(`${preparation}
    const coordinator = make("one");
    await coordinator.start();
    const uncaught = [];
    process.on("uncaughtException", (error) => uncaught.push(error.message));
    const holds = await Promise.all(["a", "b", "c"].map((name) => coordinator.getLock(name).acquire()));
    for (const hold of holds) {
      hold.signal.addEventListener("abort", () => { throw new Error(hold.name); });
    }
    backend.down();
    await clock.advance(10_000);
    console.log(uncaught.join(), holds.map(({ signal }) => signal.aborted).join(), coordinator.state);
    backend.up();
    await clock.advance(70_000);
    console.log(coordinator.state);`);
  expect(lived).toEqual({ status: 0, printed: "a,b,c true,true,true lost\nconnected\n" });
});

test("R11 a logger that throws takes no news from anybody, and no beat", async () => {
  const broken = (): never => {
    throw new Error("no space left");
  };
  const logger = { debug: broken, info: broken, warn: broken, error: broken };
  const { clock, start, backend } = world();
  const coordinator = await start({ logger });
  const hold = await coordinator.getLock("x").acquire();
  backend.dropReply("beat");
  await clock.advance(2 * ttl);
  hold.assertHeld();
  backend.down();
  await clock.advance(ttl);
  expect(hold.signal.reason).toMatchObject({ reason: "expired" });
  backend.up();
  await clock.advance(70_000);
  expect(coordinator.state).toBe("connected");
});

test("R11 the secrets of a URL are in no message, no error and no dump", async () => {
  const [backend, clock, log] = [new Scripted(), new VirtualClock(), [] as string[]];
  const secrets = ["hunter2", "s3cret", "hunter2%21", "hunter2!"];
  const coordinator = new Coordinator({
    backendUrl: "scripted://user:hunter2%21@host/path?password=s3cret&timeout=5",
    drivers: [backend.driver],
    clock,
    ttl,
    logger: recorder(log),
  });
  const errors: unknown[] = [];
  const keep = async (work: Promise<unknown>): Promise<void> =>
    void errors.push(await errorOf(work));
  backend.opening = () => Promise.reject(new Error("ECONNREFUSED"));
  await keep(coordinator.start());
  backend.opening = () => Promise.resolve();
  await coordinator.start();
  const lock = coordinator.getLock("x");
  backend.session.asking = () => Promise.reject(new Error("EIO"));
  await keep(lock.acquire());
  backend.session.context.state("suspended");
  await keep(lock.tryAcquire());
  await keep(lock.inspect());
  backend.opening = () => Promise.reject(new Error("ECONNREFUSED"));
  backend.session.end("session");
  await Promise.all([keep(lock.acquire({ timeout: 100 })), clock.advance(10_000)]);
  await coordinator.stop();
  for (const url of [
    "password=s3cret&pool=7",
    "password&hunter2%21=1",
    "timeout=hunter2=x",
    "timeout=1&password=s3cret&timeout=-1",
  ]) {
    const other = { backendUrl: `scripted://u:hunter2@h/?${url}`, drivers: [backend.driver] };
    const started = new Coordinator(other).start();
    const error = await errorOf(started);
    expect(isCoordError(error, "COORD_BAD_OPTION")).toBe(true);
    errors.push(error);
  }
  for (const url of ["scripted://u:hunter2@h:0/", "u:hunter2@h", "scripted://u:hunter2#@h"]) {
    errors.push(await errorOf((async () => new Coordinator({ backendUrl: url }))()));
  }
  const needs = { drivers: [backend.driver], require: { groups: true }, logger: recorder(log) };
  backend.opening = () => Promise.resolve();
  await keep(
    new Coordinator({ ...needs, backendUrl: "scripted://u:hunter2@h/?password=s3cret" }).start(),
  );
  await settled();
  const shown = [...errors, coordinator, lock, ...log].flatMap((it) => {
    const depth = { depth: Infinity, showHidden: true };
    return [inspect(it, depth), String(it), it instanceof Error ? it.stack : JSON.stringify(it)];
  });
  expect(log.length).toBeGreaterThan(3);
  for (const text of shown) for (const secret of secrets) expect(text).not.toContain(secret);
});
