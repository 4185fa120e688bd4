import type { Readable } from "node:stream";

/**
 * Reads a stream as UTF-8 and calls `take` for each line, without its end. Only "\n" ends a line, as
 * JSON may contain what others take for one; what comes after the last is left out.
 */
export function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}

interface Waiter {
  readonly pattern: string | RegExp;
  settle(line?: string): void;
}

/** Lines that have come, and those who wait for one: each line is had once. */
export class LineQueue {
  readonly #lines: string[] = [];
  readonly #waiters = new Set<Waiter>();
  #ended = false;

  /** Gives a line to the one who has waited longest of those whom it suits, or keeps it. */
  push(line: string): void {
    for (const waiter of this.#waiters) {
      if (suits(line, waiter.pattern)) return waiter.settle(line);
    }
    this.#lines.push(line);
  }

  /** No line comes any more. */
  end(): void {
    this.#ended = true;
    for (const waiter of this.#waiters) waiter.settle();
  }

  /**
   * The first line that begins with `pattern`, or matches it, and that nobody has had; undefined
   * when none came before the end or in `within` milliseconds.
   */
  async next(pattern: string | RegExp, within: number): Promise<string | undefined> {
    const index = this.#lines.findIndex((line) => suits(line, pattern));
    if (index >= 0) return this.#lines.splice(index, 1)[0];
    if (this.#ended) return undefined;
    return new Promise((resolve) => {
      const waiter: Waiter = {
        pattern,
        settle: (line) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(line);
        },
      };
      const timer = setTimeout(() => waiter.settle(), within);
      this.#waiters.add(waiter);
    });
  }
}

function suits(line: string, pattern: string | RegExp): boolean {
  return typeof pattern === "string" ? line.startsWith(pattern) : line.search(pattern) >= 0;
}
