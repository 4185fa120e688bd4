/**
 * A program that does one thing with a lock, for the tests of what becomes of it:
 *
 *     node --import <driver's module> program.js <role> <backendUrl> <options of a Coordinator as JSON>
 *
 * - `idle` holds the lock for a moment and does nothing more: it must end by itself then.
 * - `stop` holds it and, on SIGTERM, stops its coordinator and exits.
 * - `throw` holds it and, told to, throws what nobody catches.
 * - `parent` holds it and has two children, one by `fork()` and one of a cluster; it says what each
 *   of them found.
 * - `child` says whether the lock is free to it, and lives for a minute.
 * - `thread` is no process but a worker: it answers `try` and `release`.
 */
import { fork } from "node:child_process";
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { connect, type Hold } from "@coord/core";
import type { Role } from "./roles.js";

const [role, backendUrl, options = "{}"] = process.argv.slice(2);
const self = fileURLToPath(import.meta.url);

async function main(): Promise<void> {
  const coordinator = await connect(backendUrl, JSON.parse(options));
  const lock = coordinator.getLock("x");
  const hold = async (): Promise<Hold> => {
    const held = await lock.acquire();
    console.log("held");
    return held;
  };
  const roles: Record<Role, () => Promise<void>> = {
    idle: async () => {
      const held = await hold();
      process.once("exit", () => console.log("exit"));
      setTimeout(() => {
        console.log("still here");
        void held.release();
      }, 200).unref();
    },
    stop: async () => {
      process.once("SIGTERM", () => void coordinator.stop().then(() => process.exit()));
      // A signal's listener does not keep a process running, but what is held does.
      await hold();
    },
    throw: async () => {
      await hold();
      process.stdin.once("data", () => {
        throw new Error("Nobody catches this.");
      });
    },
    parent: async () => {
      await hold();
      const args = ["child", backendUrl ?? "", options];
      const forked = fork(self, args, { stdio: "ignore", detached: true });
      forked.once("message", (found: string) => console.log(`forked ${forked.pid} ${found}`));
      cluster.setupPrimary({ exec: self, args, silent: true });
      const worker = cluster.fork();
      worker.once("message", (found: string) => console.log(`cluster ${found}`));
    },
    child: async () => {
      process.send?.((await lock.tryAcquire()) ? "free" : "busy");
      setTimeout(() => process.exit(), 60_000);
    },
    thread: async () => {
      let held: Hold | undefined;
      const obey = async (order: "try" | "release"): Promise<void> => {
        if (order === "try") held = await lock.tryAcquire();
        else await held?.release();
        parentPort?.postMessage(order === "try" && held ? "free" : "busy");
      };
      parentPort?.on("message", (order) => void obey(order));
      parentPort?.postMessage("ready");
    },
  };
  await roles[role as Role]();
}

void main();
