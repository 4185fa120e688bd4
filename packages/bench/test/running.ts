import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** The bench as it runs: its output so far, and its end. */
export class Bench {
  stdout = "";
  stderr = "";
  readonly process: ChildProcess;
  /** Resolves when it and all its workers, which share its standard error, have ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;

  /** Starts it in a folder, which is also the one in which it may make temporary ones. */
  constructor(folder: string, args: readonly string[]) {
    const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.process = child;
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => resolve(signal ?? code));
    });
  }

  /** Resolves when it has printed something that matches; rejects, with all it printed, when it ends before. */
  says(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(this.stdout + this.stderr)) resolve();
      };
      this.process.stdout?.on("data", look);
      this.process.stderr?.on("data", look);
      const never = (): Error => new Error(`never said ${pattern}:\n${this.stdout}${this.stderr}`);
      void this.ended.then(() => reject(never()));
      look();
    });
  }
}
