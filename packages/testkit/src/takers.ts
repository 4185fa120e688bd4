import { fileURLToPath } from "node:url";
import { CoordError, type CoordinatorOptions, type LossReason } from "@coord/core";
import { LineProcess, withStackOf, type ProcessExit } from "./process.js";
import type { Answer, Done, Loss, Task } from "./taker.js";

/** How to start a taker. */
export interface TakerOptions {
  /** The module that registers the driver: a name, looked up from `cwd`, or a file URL. */
  readonly module: string;
  /** Its coordinator's `backendUrl`. */
  readonly url: string;
  /** Its coordinator's other options, those that JSON has. */
  readonly options?: Omit<CoordinatorOptions, "backendUrl" | "drivers" | "logger" | "clock">;
  /** How long an answer, or a loss, is waited for, in milliseconds. @default 20_000 */
  readonly within?: number;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default this process's working folder: that of the package that is tested */
  readonly cwd?: string;
  /** As of `ProcessOptions`. */
  readonly inside?: readonly string[];
}

/** A lock that a taker was granted. */
export interface Taken {
  readonly token: bigint;
  /** An instant at which it was held for certain, of `process.hrtime.bigint()`, comparable between processes. */
  readonly at: bigint;
}

// The same folder from `src`, which vitest reads, and from `dist`.
const program = fileURLToPath(new URL("../dist/taker.js", import.meta.url));

/**
 * A process with a coordinator of its own, which takes locks as it is told to: see `taker.ts`. It has
 * one hold of each name, the last it was granted.
 *
 * What fails in the process rejects here with the same code, reason and message. Everything rejects,
 * with all that the process printed, when it ends or does not answer; a rejection that nobody
 * listens to is not reported as unhandled, so that a taker can be killed in the middle of anything.
 */
export class Taker implements AsyncDisposable {
  /** To speak to it past this class. */
  readonly process: LineProcess;
  readonly #within: number;
  #lastId = 0;

  /** Starts one and waits until it is connected. Rejects, with what it printed, if it cannot. */
  static async start(options: TakerOptions): Promise<Taker> {
    const { module, url, within = 20_000, env = {}, cwd = process.cwd(), inside = [] } = options;
    const args = [url, JSON.stringify(options.options ?? {})];
    const taker = new Taker(
      LineProcess.start(program, args, { imports: [module], env, cwd, inside }),
      within,
    );
    try {
      await taker.process.next("ready ", { within });
      return taker;
    } catch (error) {
      await taker[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(process: LineProcess, within: number) {
    this.process = process;
    this.#within = within;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Waits for the lock: for ever if without a `timeout` in milliseconds, though not for the answer. */
  acquire(name: string, options: { timeout?: number; shared?: boolean } = {}): Promise<Taken> {
    return this.#tell({ do: "acquire", name, ...options }, mustBeTaken);
  }

  /** Undefined when somebody else has the lock, at once or after a `timeout` in milliseconds. */
  tryAcquire(
    name: string,
    options: { timeout?: number; shared?: boolean } = {},
  ): Promise<Taken | undefined> {
    return this.#tell({ do: "tryAcquire", name, ...options }, taken);
  }

  /** Rejects COORD_LOST when it no longer has the lock, or for less than `atLeast` milliseconds. */
  assertHeld(name: string, options: { atLeast?: number } = {}): Promise<Taken> {
    return this.#tell({ do: "assertHeld", name, ...options }, mustBeTaken);
  }

  /**
   * Looks at the hold again and again, by `assertHeld()`, and resolves when it is held no more, with
   * the last instant at which it was.
   */
  follow(name: string): Promise<Taken> {
    return this.#tell({ do: "follow", name }, mustBeTaken);
  }

  /**
   * Blocks its event loop for so many milliseconds, and then does as `assertHeld()` before anything
   * else has had its turn.
   */
  block(name: string, ms: number): Promise<Taken> {
    return this.#tell({ do: "block", name, ms }, mustBeTaken);
  }

  /** Gives the lock back; resolves with an instant before it did. */
  release(name: string): Promise<bigint> {
    return this.#tell({ do: "release", name }, instant);
  }

  /**
   * Adds one to the number in a file, so many times, each under the lock: turns that overlap with
   * another process's lose additions. A file that is not there counts as 0.
   */
  count(name: string, { file, turns }: { file: string; turns: number }): Promise<void> {
    return this.#tell({ do: "count", name, file, turns }, () => {});
  }

  /** Waits for the next news, not heard before, that a hold of the name was lost. */
  lost(name: string): Promise<{ at: bigint; reason: LossReason | undefined }> {
    return this.#hear(`{"lost":${JSON.stringify(name)},`, (line) => {
      const { at, reason }: Loss = JSON.parse(line);
      return { at: BigInt(at), reason };
    });
  }

  /** Stops its coordinator; the process stays and can be asked for more. */
  stop(): Promise<void> {
    return this.#tell({ do: "stop" }, () => {});
  }

  /** Lets it exit in the middle of everything, giving back nothing. */
  async exit(): Promise<ProcessExit> {
    await this.#tell({ do: "exit" }, () => {});
    return this.process.exited;
  }

  /** Lets it stop its coordinator and exit. */
  end(): Promise<ProcessExit> {
    return this.process.end();
  }

  /** As `LineProcess.kill()`. */
  kill(signal?: NodeJS.Signals): Promise<ProcessExit> {
    return this.process.kill(signal);
  }

  /** As `LineProcess.pause()`. */
  pause(): Promise<void> {
    return this.process.pause();
  }

  /** As `LineProcess.resume()`. */
  resume(): void {
    this.process.resume();
  }

  /** Kills it: what it holds is left to the backend to find out. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }

  #tell<T>(task: Task, read: (done: Done) => T): Promise<T> {
    const asked = new Error();
    const id = (this.#lastId += 1);
    this.process.send(JSON.stringify({ id, ...task }));
    return this.#hear(`{"id":${id},`, (line) => {
      const answer: Answer = JSON.parse(line);
      if (!("error" in answer)) return read(answer);
      const { code, message, reason } = answer.error;
      throw withStackOf(
        asked,
        code ? new CoordError(code, message, reason && { reason }) : new Error(message),
      );
    });
  }

  #hear<T>(beginning: string, read: (line: string) => T): Promise<T> {
    const heard = this.process.next(beginning, { within: this.#within }).then(read);
    heard.catch(() => {});
    return heard;
  }
}

function instant({ at }: Done): bigint {
  return BigInt(at);
}

function taken({ at, held }: Done): Taken | undefined {
  return held ? { token: BigInt(held), at: BigInt(at) } : undefined;
}

function mustBeTaken(done: Done): Taken {
  const result = taken(done);
  if (!result) throw new Error("The taker's answer has no token. Build it and this package anew.");
  return result;
}
