import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Habits } from "../client.js";
import { fromText, type FaultLine, type Line } from "../events.js";
import { LineProcess } from "../../process.js";
import type { HistorySubject, Place } from "../subject.js";
import type { Orders, Ready } from "./orders.js";
import type { Planned } from "./schedule.js";

// The same file from `src`, which vitest reads, and from `dist`.
const program = fileURLToPath(
  new URL("../../../dist/history/processes/worker.js", import.meta.url),
);

/** A worker in its place. */
interface Worker {
  readonly process: LineProcess;
  /** Resolves when it has ended by itself and as it should. */
  readonly done: Promise<string>;
  isPaused: boolean;
}

/** What workers are started with. */
export interface CrewOptions {
  readonly subject: HistorySubject;
  readonly place: Place;
  readonly habits: Habits;
  readonly seed: number;
  /** Where they write their lines. */
  readonly folder: string;
  /** How long, in milliseconds, one may take to begin, and to end. */
  readonly patience: number;
  fault(line: Omit<FaultLine, "t" | "event">): void;
}

/** The processes of a history, one in each place; whoever is killed is replaced. */
export class Crew implements AsyncDisposable {
  readonly #options: CrewOptions;
  readonly #workers = new Map<number, Worker>();
  #started = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** Starts one and gives what it says of itself when it is connected; undefined if it is killed before. */
  async start(way: number, takesOnce = false): Promise<Ready | undefined> {
    const { subject, place, habits, seed, folder, patience } = this.#options;
    const count = (this.#started += 1);
    const orders: Orders = {
      backendUrl: place.url(way),
      options: {
        ttl: 2_000,
        heartbeat: 300,
        initialReconnectBackoff: 50,
        maxReconnectBackoff: 500,
        ...subject.options,
        agentId: `worker-${count}-${crypto.randomUUID()}`,
      },
      file: join(folder, `${String(count).padStart(5, "0")}.jsonl`),
      seed: seed + count * habits.clients,
      habits,
      takesOnce,
    };
    const imports = [subject.module];
    const process = LineProcess.start(program, [JSON.stringify(orders)], { imports });
    const done = process.next("done", { within: 2 ** 31 - 1 });
    const worker = { process, done, isPaused: false };
    this.#workers.set(way, worker);
    try {
      const ready = await process.next("ready ", { within: patience });
      return JSON.parse(ready.slice("ready ".length));
    } catch (error) {
      if (this.#workers.get(way) === worker) throw error;
      return undefined;
    }
  }

  /** The process in a place. */
  pid(way: number): number {
    return this.#workers.get(way)?.process.pid ?? 0;
  }

  async kill({ way }: Planned): Promise<void> {
    const worker = this.#workers.get(way);
    if (!worker) return;
    this.#workers.delete(way);
    const fault = { pid: worker.process.pid, kind: "kill", class: "time" } as const;
    this.#options.fault({ ...fault, phase: "begin" });
    await worker.process[Symbol.asyncDispose]();
    this.#options.fault({ ...fault, phase: "end" });
    await this.start(way);
  }

  /** Resolves when it goes on. */
  async pause({ way, ms }: Planned, wait: (ms: number) => Promise<void>): Promise<void> {
    const worker = this.#workers.get(way);
    if (!worker || worker.isPaused) return;
    worker.isPaused = true;
    const fault = { pid: worker.process.pid, kind: "pause", class: "time" } as const;
    this.#options.fault({ ...fault, phase: "begin" });
    try {
      await worker.process.pause();
      await wait(ms);
    } catch {
      // It was killed meanwhile.
    }
    worker.isPaused = false;
    this.#options.fault({ ...fault, phase: "end" });
    worker.process.resume();
  }

  /** Tells all to ask for nothing more; resolves with whether all ended in time. Rejects, with what it printed, when one fails. */
  async end(): Promise<boolean> {
    const { patience } = this.#options;
    const workers = [...this.#workers.values()];
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), patience);
    });
    const ends = workers.map(async ({ process, done }) => {
      void process.end();
      await done;
    });
    try {
      const inTime = await Promise.race([Promise.all(ends).then(() => true), tooLong]);
      if (inTime) this.#workers.clear();
      return inTime;
    } finally {
      clearTimeout(timer);
    }
  }

  /** All that was written, by whom ever. */
  lines(): Line[] {
    const { folder } = this.#options;
    const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
    return files.flatMap((name) => fromText(readFileSync(join(folder, name), "utf8")));
  }

  /** Kills all. */
  async [Symbol.asyncDispose](): Promise<void> {
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(workers.map(({ process }) => process[Symbol.asyncDispose]()));
  }
}
