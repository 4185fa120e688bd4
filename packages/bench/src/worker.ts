// A process that is measured: opens one subject's locker and does one job after another, as its parent
// (crew.ts) says.
import type { Locker } from "./backend.js";
import { backendName, backendOf } from "./backends/index.js";
import { jobs } from "./jobs.js";
import type { Answer, Opening, Order } from "./messages.js";

function say(answer: Answer, sent?: () => void): void {
  process.send?.(answer, undefined, undefined, sent);
}

function fail(error: unknown): void {
  process.exitCode = 1;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say({ error: text }, () => process.exit());
}

async function open({ backend, subject: name, address, ttl }: Opening): Promise<Locker> {
  const { subjects } = await backendOf(backendName(backend));
  const subject = subjects.find((each) => each.name === name);
  if (!subject) throw new Error(`${backend} has no subject "${name}"`);
  return subject.open(address, ttl === undefined ? {} : { ttl });
}

async function obey(locker: Locker, order: Order): Promise<void> {
  if (order.do === "end") {
    await locker.close();
    // From here on nothing may keep the process running.
    process.off("disconnect", orphaned);
    process.disconnect();
    return;
  }
  const job = jobs[order.do] as (locker: Locker, ...input: readonly unknown[]) => Promise<unknown>;
  say({ output: await job(locker, ...order.input) });
}

const orphaned = (): never => process.exit(1);
process.on("disconnect", orphaned);
process.on("uncaughtException", fail);

const [opening] = process.argv.slice(2);
if (opening === undefined || process.send === undefined) {
  process.stderr.write("bench: a worker is started by main.js; run that instead\n");
  process.exitCode = 2;
} else {
  const locker = await open(JSON.parse(opening) as Opening);
  process.on("message", (order: Order) => void obey(locker, order).catch(fail));
  say({ output: undefined });
}
