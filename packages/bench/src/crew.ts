import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Input, Job, Opening, Order, Output } from "./messages.js";

const program = fileURLToPath(new URL("worker.js", import.meta.url));
/** How long, in milliseconds, any one job may take, and how long ending may. */
const patience = 60_000;
const endWithin = 10_000;

const living = new Set<Worker>();
let stopped = false;

/** Kills all workers, and lets no more start: whoever waits for one is told so. */
export function stopAll(): void {
  stopped = true;
  for (const worker of living) worker.kill();
}

/** A process with one subject's locker. It does one job at a time and otherwise nothing. */
export class Worker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #ended: Promise<void>;
  #settle: ((answer: Answer) => void) | undefined;
  /** Why it can do no more. */
  #failure: string | undefined;

  /** Starts one and waits until its locker is open. */
  static async start(opening: Opening, options: { gc?: boolean } = {}): Promise<Worker> {
    if (stopped) throw new Error("no worker is started any more");
    const worker = new Worker(opening, options);
    try {
      await worker.#answer();
      return worker;
    } catch (error) {
      worker.kill();
      throw error;
    }
  }

  private constructor(opening: Opening, { gc = false }: { gc?: boolean }) {
    this.#what = `${opening.backend}: the worker of ${opening.subject}`;
    this.#child = fork(program, [JSON.stringify(opening)], {
      // Instants are bigints, which JSON cannot carry.
      serialization: "advanced",
      execArgv: gc ? ["--expose-gc"] : [],
      // Standard output is for figures alone.
      stdio: ["ignore", 2, 2, "ipc"],
    });
    living.add(this);
    this.#child.on("message", (answer: Answer) => {
      // It may fail in between jobs, too.
      if ("error" in answer) this.#fail(answer.error);
      else this.#settle?.(answer);
    });
    this.#child.on("error", (error) => this.#fail(String(error)));
    this.#ended = new Promise((resolve) => {
      // Not "exit", which may come before the last message.
      this.#child.on("close", (code, signal) => {
        living.delete(this);
        this.#fail(`it ended: ${signal ?? code}`);
        resolve();
      });
    });
  }

  /** Does a job. Rejects when the process fails or ends, or after a minute. */
  do<J extends Job>(job: J, ...input: Input<J>): Promise<Output<J>> {
    this.#send({ do: job, input });
    return this.#answer() as Promise<Output<J>>;
  }

  /** Ends it by SIGKILL: what it holds is left to the backend. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Lets it close its locker and end; after ten seconds it is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#send({ do: "end" });
    const deadline = setTimeout(() => this.kill(), endWithin);
    await this.#ended;
    clearTimeout(deadline);
  }

  #send(order: Order): void {
    // An order that cannot be sent means that the process is gone, which "close" tells.
    if (this.#child.connected) this.#child.send(order, () => {});
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => settle({ error: `no answer in ${patience} ms` }), patience);
      const settle = (answer: Answer): void => {
        clearTimeout(late);
        this.#settle = undefined;
        if ("error" in answer) reject(new Error(`${this.#what} failed: ${answer.error}`));
        else resolve(answer.output);
      };
      if (this.#failure === undefined) this.#settle = settle;
      else settle({ error: this.#failure });
    });
  }

  #fail(error: string): void {
    this.#failure ??= error;
    this.#settle?.({ error: this.#failure });
  }
}
