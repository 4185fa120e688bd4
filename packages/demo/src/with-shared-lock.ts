import { readCounter, resetCounter } from "./counter.js";
import type { Turn } from "./run.js";
import type { Progress, Screen } from "./screen.js";
import type { Reading, SharedRun } from "./shared-run.js";
import type { Team, Worker } from "./team.js";
import type { Plan } from "./with-lock.js";

// Of each reader, before the first turn: if readings can be together, some are by then.
const readingsBefore = 5;

/** A plan for writers and readers. */
export interface SharedPlan extends Plan {
  /** How many of the workers write; the others, two or more, read. */
  readonly writers: number;
  /** How many seconds they may take in all. */
  readonly limit: number;
}

/**
 * Lets some workers of the team take their turns under the lock while the others, from before the
 * first turn until after the last, read under the shared lock and come back at once. When it resolves,
 * all of them have ended. Rejects when that takes longer than the limit.
 */
export async function readAndWrite(
  team: Team,
  plan: SharedPlan,
  screen: Screen,
): Promise<SharedRun> {
  const scene = new SharedScene(team, plan, screen);
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(scene.tooLong()), plan.limit * 1_000);
  });
  try {
    return await Promise.race([scene.play(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

class SharedScene {
  readonly #team: Team;
  readonly #plan: SharedPlan;
  readonly #screen: Screen;
  readonly #writers: readonly Worker[];
  readonly #readers: readonly Worker[];
  readonly #expected: number;
  readonly #turns: Turn[] = [];
  readonly #readings: Reading[] = [];
  readonly #counts = new Map<Worker, number>();

  constructor(team: Team, plan: SharedPlan, screen: Screen) {
    this.#team = team;
    this.#plan = plan;
    this.#screen = screen;
    this.#writers = team.workers.slice(0, plan.writers);
    this.#readers = team.workers.slice(plan.writers);
    this.#expected = this.#writers.length * plan.turns;
  }

  async play(): Promise<SharedRun> {
    const { counter, lock, turns } = this.#plan;
    await resetCounter(counter);
    for (const writer of this.#writers) {
      // However long one waits, it is the limit that ends the demo: it knows how far the others are.
      writer.tell({ kind: "work", counter, lock, turns, patience: Infinity });
    }
    for (const reader of this.#readers) reader.tell({ kind: "watch", counter, lock });
    await Promise.all(this.#team.workers.map((worker) => worker.hear("ready")));

    for (const reader of this.#readers) reader.tell({ kind: "go" });
    await Promise.all(this.#readers.map((reader) => this.#hearReadings(reader, readingsBefore)));
    await Promise.all([
      this.#write(),
      ...this.#readers.map((reader) => this.#hearReadings(reader, Infinity)),
    ]);
    const ends = await Promise.all(this.#team.workers.map((worker) => worker.dismiss()));
    return {
      expected: this.#expected,
      final: await readCounter(counter),
      turns: this.#turns,
      readings: this.#readings,
      writers: this.#writers.map(({ number }) => number),
      readers: this.#readers.map(({ number }) => number),
      ends,
    };
  }

  /** What to say when the limit is over before the play is. */
  tooLong(): Error {
    const { length } = this.#turns;
    return new Error(
      `after ${this.#plan.limit} s the writers have taken ${length} of ${this.#expected} turns, and the readers have read ${this.#readings.length} times: somebody is starved, or the backend is stuck`,
    );
  }

  /** Lets the writers take their turns, and tells the readers when all have been taken. */
  async #write(): Promise<void> {
    for (const writer of this.#writers) {
      writer.tell({ kind: "finish" });
      writer.tell({ kind: "go" });
    }
    await Promise.all(this.#writers.map((writer) => this.#hearTurns(writer)));
    for (const reader of this.#readers) reader.tell({ kind: "enough" });
  }

  async #hearTurns(writer: Worker): Promise<void> {
    for (;;) {
      const report = await writer.hear("turn", "done");
      if (report.kind === "done") {
        this.#show(writer, "done", this.#plan.turns);
        return;
      }
      const { token, wrote, asked, from, to } = report;
      this.#turns.push({ process: writer.number, token, wrote, asked, from, to });
      this.#count(writer);
      this.#show(writer, "working", this.#plan.turns);
    }
  }

  /** Hears of so many of a reader's readings, or of all until it has ended. */
  async #hearReadings(reader: Worker, most: number): Promise<void> {
    for (let heard = 0; heard < most; heard += 1) {
      const report = await reader.hear("reading", "done");
      if (report.kind === "done") {
        this.#show(reader, "done");
        return;
      }
      const { token, asked, from, to, first, second } = report;
      this.#readings.push({ process: reader.number, token, asked, from, to, first, second });
      this.#count(reader);
      this.#show(reader, "reading");
    }
  }

  #count(worker: Worker): void {
    this.#counts.set(worker, (this.#counts.get(worker) ?? 0) + 1);
  }

  #show(worker: Worker, state: Progress["state"], of?: number): void {
    const done = this.#counts.get(worker) ?? 0;
    this.#screen.progress({ process: worker.number, done, ...(of && { of }), state });
  }
}
