/**
 * A program that takes locks as it is told to, for tests that start, question and kill it:
 *
 *     node --import <driver's module> taker.js <backendUrl> [<options of a Coordinator as JSON>]
 *
 * It prints `ready <pid>` when it is connected, or says on stderr why it cannot be and exits with
 * code 1. Then it reads commands from stdin, a line of JSON each (`Command`), works on them all at
 * once, and answers each by one line of JSON that begins with the command's id (`Answer`):
 *
 *     {"id":1,"do":"acquire","name":"x","timeout":1000}
 *     {"id":1,"at":"81726354453627","held":"7"}
 *     {"id":2,"do":"release","name":"x"}
 *     {"id":2,"at":"81726361534217"}
 *     {"id":3,"do":"tryAcquire","name":"x"}
 *     {"id":3,"error":{"code":"COORD_STOPPED","message":"The coordinator was stopped..."}}
 *
 * It has one hold of each name, the last one it was granted. When one is lost it says so, unasked
 * (`Loss`):
 *
 *     {"lost":"x","at":"81726370028172","reason":"expired"}
 *
 * Every `at` is an instant of `process.hrtime.bigint()`, which all processes of a Linux machine count
 * from the same start. When stdin closes, it stops its coordinator and exits: it does not outlive
 * whoever started it.
 */
import { readFile, writeFile } from "node:fs/promises";
import {
  Coordinator,
  isCoordError,
  type AcquireOptions,
  type CoordErrorCode,
  type Hold,
  type LossReason,
} from "@coord/core";
import { onLines } from "./lines.js";

/** What a taker can be told to do. All durations are milliseconds. */
export type Task =
  | {
      /** `acquire` waits, for ever if without a `timeout`; `tryAcquire` does not, if without one. */
      readonly do: "acquire" | "tryAcquire";
      readonly name: string;
      readonly timeout?: number | undefined;
      readonly shared?: boolean | undefined;
    }
  | { readonly do: "assertHeld"; readonly name: string; readonly atLeast?: number | undefined }
  | { readonly do: "release"; readonly name: string }
  /** `follow` answers when the hold is lost, with the last instant at which it was not. */
  | { readonly do: "follow"; readonly name: string }
  /** `block` does nothing else for so long, then `assertHeld` before anything else has its turn. */
  | { readonly do: "block"; readonly name: string; readonly ms: number }
  | {
      /** So many times: acquire, read the number in the file (0 if there is none), write one more, release. */
      readonly do: "count";
      readonly name: string;
      readonly file: string;
      readonly turns: number;
    }
  /** `stop` ends the coordinator and not the process; `exit` the process, giving back nothing. */
  | { readonly do: "stop" | "exit" };

/** A task with the number its answer will have. */
export type Command = { readonly id: number } & Task;

/** What a taker says when a task is done. */
export interface Done {
  /**
   * When: of what is held, an instant at which it certainly was; of `release`, one before it was
   * given back; else, when the task was done.
   */
  readonly at: string;
  /** With `acquire`, `tryAcquire` and `assertHeld`: the token; null if somebody else has the lock. */
  readonly held?: string | null;
}

/** What a taker says when a task failed; `code` and `reason` are those of the CoordError, if it was one. */
export interface Failure {
  readonly message: string;
  readonly code?: CoordErrorCode;
  readonly reason?: LossReason | undefined;
}

/** The one answer to each command. */
export type Answer = { readonly id: number } & (Done | { readonly error: Failure });

/** What a taker says when the `signal` of a hold was aborted, and with which reason. */
export interface Loss {
  readonly lost: string;
  readonly at: string;
  readonly reason?: LossReason | undefined;
}

const [backendUrl, options = "{}"] = process.argv.slice(2);
const coordinator = new Coordinator({ ...JSON.parse(options), backendUrl });
const holds = new Map<string, Hold>();

onLines(process.stdin, (line) => void answer(JSON.parse(line)));
process.stdin.once("end", () => {
  void coordinator.stop().finally(() => process.exit());
  // Whatever a driver under test does: nobody is left to kill this process.
  setTimeout(() => process.exit(1), 10_000);
});
coordinator.start().then(
  () => process.stdout.write(`ready ${process.pid}\n`),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);

async function answer({ id, ...task }: Command): Promise<void> {
  try {
    say({ id, ...(await carryOut(task)) });
  } catch (error) {
    say({ id, error: describe(error) });
  }
}

function describe(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return isCoordError(error) ? { code: error.code, reason: error.reason, message } : { message };
}

async function carryOut(task: Task): Promise<Done> {
  switch (task.do) {
    case "acquire":
      return keep(task.name, await coordinator.getLock(task.name).acquire(wanted(task)));
    case "tryAcquire": {
      const hold = await coordinator.getLock(task.name).tryAcquire(wanted(task));
      return hold ? keep(task.name, hold) : { at: now(), held: null };
    }
    case "assertHeld": {
      const hold = held(task.name);
      const { atLeast = 0 } = task;
      return { at: String(hold.assertHeld({ atLeast })), held: String(hold.token) };
    }
    case "release": {
      const hold = held(task.name);
      const at = now();
      await hold.release();
      return { at };
    }
    case "follow":
      return follow(held(task.name));
    case "block": {
      const hold = held(task.name);
      for (const end = performance.now() + task.ms; performance.now() < end;);
      return { at: String(hold.assertHeld()), held: String(hold.token) };
    }
    case "count":
      for (let turn = 0; turn < task.turns; turn += 1) await addOne(task.name, task.file);
      return { at: now() };
    case "stop":
      await coordinator.stop();
      return { at: now() };
    case "exit":
      // Once the answer is written, which on some platforms takes a while.
      setImmediate(() => process.stdout.write("", () => process.exit()));
      return { at: now() };
  }
}

function keep(name: string, hold: Hold): Done {
  holds.set(name, hold);
  const lost = (): void => {
    const { reason } = hold.signal;
    say({ lost: name, at: now(), reason: isCoordError(reason) ? reason.reason : undefined });
  };
  if (hold.signal.aborted) lost();
  else hold.signal.addEventListener("abort", lost, { once: true });
  return { at: String(hold.assertHeld()), held: String(hold.token) };
}

function held(name: string): Hold {
  const hold = holds.get(name);
  if (!hold) throw new Error(`This taker never held ${JSON.stringify(name)}. Acquire it first.`);
  return hold;
}

async function follow(hold: Hold): Promise<Done> {
  for (let at = hold.assertHeld(); ;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    try {
      at = hold.assertHeld();
    } catch {
      return { at: String(at), held: String(hold.token) };
    }
  }
}

async function addOne(name: string, file: string): Promise<void> {
  await using hold = await coordinator.getLock(name).acquire();
  const count = Number(await readFile(file, "utf8").catch(() => "0"));
  hold.assertHeld();
  await writeFile(file, String(count + 1));
}

function wanted({ timeout, shared }: AcquireOptions): AcquireOptions {
  return { timeout, shared };
}

function now(): string {
  return String(process.hrtime.bigint());
}

function say(line: Answer | Loss): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
