import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** The demo as it runs: its output so far, and its end. */
export class Demo {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when the demo and all its workers, which share its output, have ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;

  /** Starts it: `temporary` is the folder in which it may make temporary ones. */
  constructor(
    temporary: string,
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ) {
    const env = { ...process.env, TMPDIR: temporary, TMP: temporary, TEMP: temporary, ...more };
    this.#child = spawn(process.execPath, [program, ...args], { env });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => resolve(signal ?? code));
    });
  }

  /** What the pattern finds in the output, as soon as it is there. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this.stdout);
        if (found) resolve(found);
      };
      this.#child.stdout.on("data", look);
      const everything = (): string => `${this.stdout}${this.stderr}`;
      void this.ended.then(() => reject(new Error(`never said ${pattern}:\n${everything()}`)));
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
