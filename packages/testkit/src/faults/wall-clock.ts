import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The wall clock of child processes, which can be stepped while they run: libfaketime takes it from a
 * file each time it is asked. It leaves the monotonic clock and the time since boot alone, without
 * which core could not tell a step from a sleep. What lives by it must be ended, not killed:
 * libfaketime leaves its shared memory behind else.
 */
export class WallClock implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "coord-wall-clock-"));

  /** Why there can be none here; undefined where there can. */
  static get problem(): string | undefined {
    if (process.platform !== "linux") return "libfaketime is used on Linux only";
    const folders = ["/usr/lib", ...readdirSync("/usr/lib").map((name) => `/usr/lib/${name}`)];
    const found = folders.some((folder) => existsSync(`${folder}/faketime/libfaketime.so.1`));
    return found ? undefined : "libfaketime is missing: apt-get install faketime";
  }

  constructor() {
    this.step(0);
  }

  /** Sets it so many seconds after the machine's, or before. */
  step(seconds: number): void {
    const file = join(this.#folder, "time");
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${file}.new`, file);
  }

  /** What a process has to have in its environment to live by it. */
  get env(): Readonly<Record<string, string | undefined>> {
    return {
      // The loader puts in the folder of the machine's architecture.
      LD_PRELOAD: "/usr/$LIB/faketime/libfaketime.so.1",
      FAKETIME: undefined,
      FAKETIME_TIMESTAMP_FILE: join(this.#folder, "time"),
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // The times of files do not change when somebody sets the clock.
      NO_FAKE_STAT: "1",
    };
  }

  /** Removes the file: those who live by it see the machine's time from then on. */
  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
