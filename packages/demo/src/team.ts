import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Mailbox } from "./mailbox.js";
import type { Order, Report } from "./messages.js";

const program = fileURLToPath(new URL("worker.js", import.meta.url));
// How long a worker that has no more work may take to end.
const patience = 10_000;

/** How a process ended. */
export interface End {
  readonly process: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One of the processes, seen from the parent. */
export class Worker {
  /** Counted from 1, in the order in which they were started. */
  readonly number: number;
  /** Resolves when the process has ended and all it said was heard. */
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  readonly #team: Team;
  readonly #reports = new Mailbox<Report>();
  #mayEnd = false;

  constructor(team: Team, number: number) {
    this.#team = team;
    this.number = number;
    // Tokens and instants are bigints, which JSON cannot carry.
    this.#child = fork(program, { serialization: "advanced", stdio: "inherit" });
    this.#child.on("message", (report: Report) => this.#hear(report));
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        team.fail(error);
        if (this.#child.pid === undefined) resolve({ process: number, code: null, signal: null });
      });
      // Not "exit", which may come before the last messages.
      this.#child.on("close", (code, signal) => {
        if (!this.#mayEnd)
          team.fail(new Error(`${this.name} ended unexpectedly: ${signal ?? code}`));
        resolve({ process: number, code, signal });
      });
    });
  }

  /** The process's id; 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What people call it. */
  get name(): string {
    return `process ${this.number}`;
  }

  /** Gives an order. What becomes of it is told by reports. */
  tell(order: Order): void {
    if (order.kind === "end") this.#mayEnd = true;
    // An order that cannot be sent means that the process is gone, which "close" tells.
    this.#child.send(order, () => {});
  }

  /** The next report of one of these kinds. Rejects when the team fails. */
  hear<Kind extends Report["kind"]>(
    ...kinds: readonly Kind[]
  ): Promise<Extract<Report, { readonly kind: Kind }>> {
    return Promise.race([this.#reports.take(...kinds), this.#team.failed]);
  }

  /** Ends the process at once, whatever it does. */
  kill(): void {
    this.#mayEnd = true;
    this.#child.kill("SIGKILL");
  }

  /** Tells the process that there is no more work and waits until it has ended by itself, or kills it. */
  async dismiss(): Promise<End> {
    this.tell({ kind: "end" });
    const deadline = setTimeout(() => this.kill(), patience);
    const end = await this.ended;
    clearTimeout(deadline);
    return end;
  }

  #hear(report: Report): void {
    if (report.kind === "failed")
      this.#team.fail(new Error(`${this.name} failed: ${report.message}`));
    else this.#reports.put(report);
  }
}

/** All processes of a run. When one of them fails, or `fail()` is called, all waits for them reject. */
export class Team {
  readonly workers: Worker[] = [];
  /** Rejects with the first failure; never resolves. */
  readonly failed: Promise<never>;
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    // Not everybody waits for it at all times.
    this.failed.catch(() => {});
  }

  /** Starts a process. */
  start(): Worker {
    const worker = new Worker(this, this.workers.length + 1);
    this.workers.push(worker);
    return worker;
  }

  /** Makes the run fail; only the first failure counts. */
  fail(error: Error): void {
    this.#fail(error);
  }

  /** Kills what still runs and waits until all have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) worker.kill();
    await Promise.all(this.workers.map((worker) => worker.ended));
  }
}
