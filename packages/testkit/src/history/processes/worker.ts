/**
 * A program that takes locks in turns and writes down each step, for histories that kill and pause it:
 *
 *     node --import <driver's module> worker.js <Orders as JSON>
 *
 * It writes its lines to a file, each before it goes on: what a kill takes away is at most that a step
 * was done, never that one was about to be. It prints `ready <Ready as JSON>` when it is connected and
 * begins. When its stdin closes it asks for nothing more, waits until all it asked for is over, stops
 * its coordinator, notes what is left of it, prints `done` and exits.
 */
import { openSync, writeSync } from "node:fs";
import { Coordinator } from "@coord/core";
import { systemClock } from "@coord/core/driver";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "../client.js";
import { randomOf } from "../random.js";
import { Scribe } from "../scribe.js";
import { moreThan, openThings } from "./open-things.js";
import type { Orders, Ready } from "./orders.js";

/** So often it shows that its event loop runs, in milliseconds. */
const showEvery = 10;

const { backendUrl, options, file, seed, habits, takesOnce }: Orders = JSON.parse(
  process.argv[2] ?? "{}",
);
const log = openSync(file, "a");
const scribe = new Scribe(process.pid, systemClock, (line) => {
  writeSync(log, `${JSON.stringify(line)}\n`);
});
const ending = new AbortController();
process.stdin.resume().once("end", () => ending.abort());
const sleep = systemClock.keepAlive();
// Opened when it is first used.
process.stdout.on("error", () => process.exit(1));
const isWarm = await warmUp();
const before = openThings();

const coordinator = new Coordinator({ ...options, backendUrl });
void noteStates();
await start();
const { fair, crashReleaseMs, reach } = coordinator.traits;
console.log(`ready ${JSON.stringify({ fair, crashReleaseMs, reach } satisfies Ready)}`);
showAlive();
const home = { coordinator, clock: systemClock, scribe, ending: ending.signal };
const clients = Array.from({ length: takesOnce ? 1 : habits.clients }, (_, index) => {
  return new Client(home, habits, randomOf(seed + index));
});
await Promise.all(clients.map(takesOnce ? takeEach : (client) => client.play()));
await coordinator.stop();
const listeners = clients.reduce((sum, client) => sum + client.listeners, 0);
scribe.left({ listeners, ...(isWarm ? await moreThan(before, 2_000) : {}) });
sleep();
process.stdout.write("done\n", () => process.exit());

/**
 * What is opened once in a process and kept, by the system's libraries, is open after this. False when
 * the backend could not be reached: then nothing can be compared.
 */
async function warmUp(): Promise<boolean> {
  const pair = [0, 1].map(() => new Coordinator({ ...options, backendUrl }));
  try {
    await Promise.all(pair.map((one) => one.start()));
    const [holder, waiter] = pair.map((one) => one.getLock(`warm-${process.pid}`));
    const hold = await holder?.acquire({ timeout: 500 });
    await waiter?.tryAcquire({ timeout: 30 });
    await hold?.release();
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all(pair.map((one) => one.stop()));
  }
}

async function start(): Promise<void> {
  while (!coordinator.started) {
    try {
      await coordinator.start();
    } catch {
      // The backend is away for now, on purpose.
      await delay(50);
    }
  }
}

async function noteStates(): Promise<void> {
  for await (const state of coordinator.states()) scribe.state(state);
}

function showAlive(): void {
  systemClock.timer(showEvery, () => {
    const since = systemClock.hrtime();
    // After all timers that were due.
    setImmediate(() => {
      if (scribe.holds) scribe.alive(since);
      if (coordinator.started) showAlive();
    });
  });
}

async function takeEach(client: Client): Promise<void> {
  for (const name of habits.names) await client.take(name);
}
