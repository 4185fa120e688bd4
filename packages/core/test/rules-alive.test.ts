import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import type { Clock } from "@coord/core";
import type { VirtualClock } from "@coord/core/memory";
import { errorOf, settled, ttl, world } from "./world.js";

/** The world's clock for one process, which counts why it is kept running. */
function ofProcess(clock: VirtualClock): { clock: Clock; reasons: () => number } {
  let reasons = 0;
  const keepAlive = () => {
    reasons += 1;
    return () => void (reasons -= 1);
  };
  const { now, hrtime, wall, boot, timer } = bound(clock);
  return { clock: { now, hrtime, wall, boot, timer, keepAlive }, reasons: () => reasons };
}

function bound(clock: VirtualClock): Omit<Clock, "keepAlive"> {
  return {
    now: () => clock.now(),
    hrtime: () => clock.hrtime(),
    wall: () => clock.wall(),
    boot: () => clock.boot(),
    timer: (ms, callback) => clock.timer(ms, callback),
  };
}

test("R13 a coordinator keeps its process running while it holds or waits for something, and no longer", async () => {
  const { clock, backend, make } = world();
  const process = ofProcess(clock);
  const [one, other] = [make({ clock: process.clock, agentId: "one" }), make()];
  const isKept = (): boolean => process.reasons() > 0;
  const seen: Record<string, boolean> = {};
  await Promise.all([one.start(), other.start()]);
  await clock.advance(ttl);
  seen["idle"] = isKept();
  const lock = one.getLock("x");
  const hold = await lock.acquire();
  seen["holding"] = isKept();
  await hold.release();
  seen["released"] = isKept();
  await lock.run(() => (seen["within run()"] = isKept()));
  seen["after run()"] = isKept();
  const revoked = await lock.acquire();
  backend.revoke("x");
  await settled();
  seen["lost"] = isKept();
  const others = await other.getLock("x").acquire();
  const aborted = new AbortController();
  const waiting = errorOf(lock.acquire({ signal: aborted.signal }));
  const timed = errorOf(lock.acquire({ timeout: 100 }));
  await clock.advance(50);
  seen["waiting"] = isKept();
  aborted.abort();
  await Promise.all([waiting, timed, clock.advance(100)]);
  seen["given up"] = isKept();
  await others.release();
  const patient = lock.acquire();
  backend.lose("one");
  backend.down();
  await clock.advance(2 * ttl);
  seen["waiting for the backend"] = isKept();
  backend.up();
  await clock.advance(70_000);
  const expiring = await patient;
  backend.down();
  await clock.advance(2 * ttl);
  seen["expired and connecting again"] = isKept();
  const stopping = one.stop();
  await Promise.all([stopping, clock.advance(ttl)]);
  seen["stopped"] = isKept();
  expect([revoked, expiring].map(({ signal }) => signal.aborted)).toEqual([true, true]);
  expect(Object.keys(seen).filter((when) => seen[when])).toEqual([
    "holding",
    "within run()",
    "waiting",
    "waiting for the backend",
  ]);
});

/** Runs a program against the build, with a coordinator on a backend of its own; gives what it printed. */
async function program(body: string): Promise<{ code: number | null; printed: string }> {
  const source = `
    import { Coordinator } from "@coord/core";
    import { memory } from "@coord/core/memory";
    const backend = memory();
    const options = { backendUrl: "memory:", drivers: [backend] };
    const coordinator = new Coordinator({ ...options, ttl: 3_000, agentId: "me" });
    // What does not keep the process running itself.
    const soon = (action) => setTimeout(action, 50).unref();
    process.on("exit", () => console.log("exit", coordinator.state));
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: "pipe" });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data));
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, printed: printed.trim() }));
  });
}

test("R13 programs end by themselves when they hold and wait for nothing, and not before", async () => {
  const [idle, held, waited, followed, reconnecting, stopped] = await Promise.all([
    program("await coordinator.start();"),
    program(`await coordinator.start();
      const hold = await coordinator.getLock("x").acquire();
      soon(() => void hold.release().then(() => console.log("released")));`),
    program(`await coordinator.start();
      backend.down();
      coordinator.getLock("x").acquire().then(async (hold) => {
        console.log("granted");
        await hold.release();
      });
      soon(() => backend.up());`),
    program(`await coordinator.start();
      void (async () => {
        for await (const state of coordinator.states()) console.log(state);
      })();`),
    program(`await coordinator.start();
      backend.lose("me");
      await new Promise(setImmediate);
      backend.down();`),
    program(`await coordinator.start();
      await coordinator.getLock("x").acquire();
      backend.down();
      await coordinator.stop();
      console.log("stopped");`),
  ]);
  expect(idle).toEqual({ code: 0, printed: "exit connected" });
  expect(held).toEqual({ code: 0, printed: "released\nexit connected" });
  expect(waited).toEqual({ code: 0, printed: "granted\nexit connected" });
  expect(followed).toEqual({ code: 0, printed: "connected\nexit connected" });
  expect(reconnecting).toEqual({ code: 0, printed: "exit lost" });
  expect(stopped).toEqual({ code: 0, printed: "stopped\nexit stopped" });
});
