import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Hold, Lock, Traits } from "@coord/core";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LineProcess } from "../process.js";
import { slack, soon } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { programPath, type Role } from "./roles.js";
import { endsByTime } from "./victim.js";

/**
 * What becomes of a lock with the process that holds it. Where a backend reaches no other process,
 * the same is done to show that nothing of it is noticed here.
 */
export function describeProcesses(subject: Subject): void {
  describe("a process", { timeout: 30_000 }, () => {
    test("that holds a lock goes on; after the last release it ends by itself", async () => {
      const program = new Rig(subject).program("idle");
      await program.next("still here");
      expect(await program.exited).toEqual({ code: 0, signal: null });
      await program.next("exit");
    });

    test("that exits and gives nothing back frees its locks at once, where its death is what frees them; elsewhere when its coordinator stops", async () => {
      const rig = new Rig(subject);
      const [coordinator, taker] = [await rig.start(), await rig.taker()];
      const { crashReleaseMs, reach } = coordinator.traits;
      await taker.acquire("x");
      const byDeath = !endsByTime(coordinator.traits);
      const lock = coordinator.getLock("x");
      const seen = (await lock.tryAcquire()) === undefined;
      expect(seen).toBe(reach !== "process");
      if (!seen) return;
      if (byDeath) await taker.exit();
      else await taker.stop();
      await (await lock.acquire({ timeout: byDeath ? crashReleaseMs + slack : 0 })).release();
    });

    test("that stops its coordinator on SIGTERM has given back when it ends", async () => {
      const { lock, program, mine } = await held(subject, "stop");
      expect(await program.kill("SIGTERM")).toEqual({ code: 0, signal: null });
      if (mine) mine.assertHeld();
      else await (await lock.acquire({ timeout: 0 })).release();
    });

    test("that dies of an error nobody catches frees its locks as one that is killed", async () => {
      const { lock, program, mine, traits } = await held(subject, "throw");
      program.send("throw");
      expect(await program.exited).toEqual({ code: 1, signal: null });
      if (mine) mine.assertHeld();
      else await (await lock.acquire({ timeout: traits.crashReleaseMs + slack })).release();
    });

    test("does not leave its locks to its children, by fork() or in a cluster", async () => {
      const { lock, program, mine, traits } = await held(subject, "parent");
      const found = mine ? "free" : "busy";
      const [, pid, forked] = (await program.next("forked ")).split(" ");
      onTestFinished(() => void process.kill(Number(pid)));
      expect([forked, await program.next("cluster ")]).toEqual([found, `cluster ${found}`]);
      await program.kill();
      if (!mine) await (await lock.acquire({ timeout: traits.crashReleaseMs + slack })).release();
      // The child is there, whatever it was born with.
      expect(process.kill(Number(pid), 0)).toBe(true);
    });

    test("has threads that keep each other out, as far as the backend reaches beyond one", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const lock = coordinator.getLock("x");
      const apart = coordinator.traits.reach !== "process";
      const worker = new Worker(programPath, {
        argv: ["thread", rig.url, "{}"],
        execArgv: ["--import", subject.module],
      });
      onTestFinished(async () => void (await worker.terminate()));
      const ask = async (order: "try" | "release"): Promise<unknown> => {
        worker.postMessage(order);
        return (await once(worker, "message"))[0];
      };
      await soon(once(worker, "message"));
      const hold = await lock.acquire();
      expect(await ask("try")).toBe(apart ? "busy" : "free");
      await ask("release");
      await hold.release();
      expect(await ask("try")).toBe("free");
      expect((await lock.tryAcquire()) === undefined).toBe(apart);
      await ask("release");
      if (apart) await (await lock.acquire({ timeout: slack })).release();
    });
  });
}

interface Held {
  readonly program: LineProcess;
  /** The lock that the program holds. */
  readonly lock: Lock;
  readonly traits: Traits;
  /** Our own hold, if the backend does not reach the program. */
  readonly mine: Hold | undefined;
}

async function held(subject: Subject, role: Role): Promise<Held> {
  const rig = new Rig(subject);
  const [coordinator, program] = [await rig.start(), rig.program(role)];
  await program.next("held");
  const lock = coordinator.getLock("x");
  const mine = await lock.tryAcquire();
  expect(mine !== undefined).toBe(coordinator.traits.reach === "process");
  return { program, lock, mine, traits: coordinator.traits };
}
