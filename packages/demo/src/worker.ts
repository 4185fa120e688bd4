// One of the processes: takes the turns, or does the reading, that it is given, and tells its parent
// (main.ts) of each.
import { promisify } from "node:util";
import type { Lock } from "@coord/core";
import { readCounter, writeCounter } from "./counter.js";
import { Mailbox } from "./mailbox.js";
import {
  type LockPlace,
  oneLine,
  type Order,
  type Report,
  type Watch,
  type Work,
  workMs,
} from "./messages.js";
import { open } from "./open.js";

// Nobody waits as long as that unless the backend is stuck, and then the demo is to say so.
const longPatience = 30_000;

const pause = promisify(setTimeout);
const orders = new Mailbox<Order>();

function say(report: Report, sent?: () => void): void {
  process.send?.(report, undefined, undefined, sent);
}

function fail(error: unknown): void {
  process.exitCode = 1;
  say({ kind: "failed", message: oneLine(error) }, () => process.exit());
}

async function workWithoutLock({ counter, turns }: Work): Promise<void> {
  say({ kind: "ready" });
  await orders.take("go");
  for (let turn = 1; turn <= turns; turn += 1) await addOne(counter);
}

async function workWithLock(work: Work, { backendUrl, name }: LockPlace): Promise<void> {
  await using coordinator = await open(backendUrl);
  const lock = coordinator.getLock(name);
  say({ kind: "ready" });
  await orders.take("go");
  for (let turn = 1; turn <= work.turns; turn += 1) {
    if (work.waitsForFinish && turn === work.turns) await orders.take("finish");
    say({ kind: "asking" });
    say(await takeTurn(lock, work, turn === work.staysIn));
    // Everybody has something else to do between turns.
    await pause(1);
  }
}

async function takeTurn(lock: Lock, work: Work, stays: boolean): Promise<Report> {
  const { counter, patience = longPatience } = work;
  const asked = process.hrtime.bigint();
  await using hold = await lock.acquire({ timeout: patience });
  const from = process.hrtime.bigint();
  const { token } = hold;
  if (stays) {
    say({ kind: "holding", token, read: await readCounter(counter), asked, from });
    await new Promise<never>(() => {});
  }
  const wrote = await addOne(counter, () => hold.assertHeld());
  return { kind: "turn", token, wrote, asked, from, to: process.hrtime.bigint() };
}

async function addOne(counter: string, check?: () => void): Promise<number> {
  const number = await readCounter(counter);
  // The work that needs the lock; others have every chance to come in between.
  await pause(workMs);
  check?.();
  await writeCounter(counter, number + 1);
  return number + 1;
}

async function watch({ counter, lock: { backendUrl, name } }: Watch): Promise<void> {
  await using coordinator = await open(backendUrl);
  const lock = coordinator.getLock(name);
  say({ kind: "ready" });
  await orders.take("go");
  let enough = false;
  void orders.take("enough").then(() => (enough = true));
  // Back at once, as readers that starve writers are. The last reading begins when it is enough.
  for (let last = false; !last;) {
    last = enough;
    say(await takeReading(lock, counter));
  }
}

async function takeReading(lock: Lock, counter: string): Promise<Report> {
  const asked = process.hrtime.bigint();
  await using hold = await lock.acquire({ shared: true });
  const from = process.hrtime.bigint();
  const first = await readCounter(counter);
  // Writers have every chance to come in between.
  await pause(workMs);
  const second = await readCounter(counter);
  const to = hold.assertHeld();
  return { kind: "reading", token: hold.token, asked, from, to, first, second };
}

async function serve(): Promise<void> {
  for (;;) {
    const order = await orders.take("work", "watch", "end");
    if (order.kind === "end") return;
    if (order.kind === "watch") await watch(order);
    else await (order.lock ? workWithLock(order, order.lock) : workWithoutLock(order));
    say({ kind: "done" });
  }
}

// Ctrl-C in a terminal reaches every process; the parent decides what becomes of the others.
process.on("SIGINT", () => {});
process.on("uncaughtException", fail);
process.on("message", (order: Order) => orders.put(order));
const orphaned = (): never => process.exit(1);
process.on("disconnect", orphaned);

if (process.send === undefined) {
  process.stderr.write("demo: a worker is started by main.js; run that instead\n");
  process.exitCode = 2;
} else {
  try {
    await serve();
    // From here on the process ends when nothing keeps it running, and with code 0.
    process.off("disconnect", orphaned);
    process.disconnect();
  } catch (error) {
    fail(error);
  }
}
