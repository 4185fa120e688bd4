import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { LineQueue, onLines } from "./lines.js";

/** How to start a process. */
export interface ProcessOptions {
  /** Modules to load first, each by node's `--import`: names are looked up from `cwd`, file URLs work too. */
  readonly imports?: readonly string[];
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default this process's working folder */
  readonly cwd?: string;
  /** What runs the file. @default the node that runs this process, without its flags */
  readonly command?: string;
  /** A command that becomes the one given after its arguments, such as `["ip", "netns", "exec", "far"]`. */
  readonly inside?: readonly string[];
}

/** How a process ended: with a code or by a signal; the other one is null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A child process that is spoken to in lines, killed, paused and resumed. It is killed when this
 * process exits, if that still gets to it.
 */
export class LineProcess implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended, however it came. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  readonly #lines = new LineQueue();
  #printed = { stdout: "", stderr: "" };
  #exit: ProcessExit | undefined;

  /**
   * Starts `<command> [--import <module>]... <file> <args>...`. The file may also be a flag such as
   * `-e`, with the program as first argument.
   * @throws when the command cannot be started
   */
  static start(
    file: string,
    args: readonly string[] = [],
    options: ProcessOptions = {},
  ): LineProcess {
    const { imports = [], env = {}, cwd = process.cwd(), inside = [] } = options;
    const { command = process.execPath } = options;
    const loads = imports.flatMap((module) => ["--import", module]);
    const environment = { ...process.env, ...env };
    const [first = command, ...rest] = [...inside, command, ...loads, file, ...args];
    return new LineProcess(spawn(first, rest, { cwd, env: environment, stdio: "pipe" }));
  }

  private constructor(child: ChildProcessWithoutNullStreams) {
    // It may die at any moment; writing to it then is nobody's error.
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    if (child.pid === undefined) {
      throw new Error(
        `${child.spawnfile} cannot be started. Install it, and check the folder it is to run in.`,
      );
    }
    this.pid = child.pid;
    this.#child = child;
    onLines(child.stdout, (line) => this.#lines.push(line));
    child.stdout.on("data", (text: string) => (this.#printed.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#printed.stderr += text));
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        living.delete(child);
        if (living.size === 0) process.off("exit", killLiving);
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.#closed = new Promise((resolve) => {
      child.once("close", () => {
        this.#lines.end();
        resolve();
      });
    });
    if (living.size === 0) process.on("exit", killLiving);
    living.add(child);
  }

  /** Writes a line to its standard input; does nothing when it has ended. */
  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /**
   * Waits for the first line of its standard output that begins with `pattern`, or matches it, and
   * that no other call has had; lines before it stay for others. Rejects, with all that the process
   * printed, when it ends before that or `within` milliseconds are over. The default leaves room in
   * the 30 s that a test has. A rejection that nobody listens to is nobody's: it is not reported as
   * unhandled.
   */
  next(pattern: string | RegExp, options: { within?: number } = {}): Promise<string> {
    const line = this.#next(pattern, options.within ?? 20_000, new Error());
    line.catch(() => {});
    return line;
  }

  /** Closes its standard input and waits until it ends, which has to be what it does then. */
  async end(): Promise<ProcessExit> {
    this.#child.stdin.end();
    return this.exited;
  }

  /** Sends a signal and waits until the process has ended, which has to be what the signal does to it. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<ProcessExit> {
    this.#child.kill(signal);
    return this.exited;
  }

  /**
   * Stops the process by SIGSTOP and resolves when the kernel says that all its threads stand still:
   * from then on it runs not one instruction before `resume()`. Rejects when it has ended.
   */
  async pause(): Promise<void> {
    this.#child.kill("SIGSTOP");
    while (!(await standsStill(this.pid))) {
      if (this.#exit) throw new Error(this.#report("It cannot be paused"));
      await delay(1);
    }
  }

  /** Lets a paused process go on; does nothing to one that runs or has ended. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Kills it, paused or not, and resolves when it has ended and nothing of it is left in this process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    // Its own children, if any, may still have the other ends.
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      stream.destroy();
    }
    await this.#closed;
  }

  async #next(pattern: string | RegExp, within: number, asked: Error): Promise<string> {
    const line = await this.#lines.next(pattern, within);
    if (line !== undefined) return line;
    const wanted = typeof pattern === "string" ? JSON.stringify(pattern) : String(pattern);
    const when = this.#exit ? "before it ended" : `within ${within} ms`;
    throw withStackOf(asked, new Error(this.#report(`No line ${wanted} came ${when}`)));
  }

  #report(problem: string): string {
    const { code, signal } = this.#exit ?? {};
    const ended = signal ? `was ended by ${signal}` : `exited with code ${code}`;
    return [
      `${problem}. Process ${this.pid} ${this.#exit ? ended : "is still running"}. It printed`,
      `on stdout:\n${this.#printed.stdout}`,
      `on stderr:\n${this.#printed.stderr}`,
    ].join("\n");
  }
}

/**
 * Gives an error the stack of an earlier one, without a message, that shows who asked. V8 finds that
 * out by itself only for promises that nobody else listens to, and these have been listened to.
 */
export function withStackOf(asked: Error, error: Error): Error {
  const callers = asked.stack?.split("\n").slice(1) ?? [];
  error.stack = [String(error), ...callers].join("\n");
  return error;
}

const living = new Set<ChildProcessWithoutNullStreams>();

function killLiving(): void {
  for (const child of living) child.kill("SIGKILL");
}

async function standsStill(pid: number): Promise<boolean> {
  try {
    const states = process.platform === "linux" ? await threadStates(pid) : await state(pid);
    return states.every((each) => each === "T" || each === "t");
  } catch {
    return false; // It, or one of its threads, has just ended: look again.
  }
}

async function threadStates(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/task`;
  const threads = await readdir(folder);
  const stats = threads.map((thread) => readFile(`${folder}/${thread}/stat`, "utf8"));
  // The state comes after the program's name, which is in parentheses and may contain some.
  return (await Promise.all(stats)).map((stat) => stat.charAt(stat.lastIndexOf(")") + 2));
}

async function state(pid: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
  return [stdout.charAt(0)];
}
