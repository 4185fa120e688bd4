import { check } from "@coord/testkit/history";
import type { BeginLine, FaultClass, Line, RequestLine } from "@coord/testkit/history";

/** Some lines, in order of time. */
export type Piece = readonly Line[];

/** What a request was for. */
export interface Of {
  readonly pid: number;
  readonly hold?: number;
  readonly name?: string;
  readonly shared?: boolean;
  readonly wait?: number;
}

const limits = { patienceMs: 100, recoverMs: 500, waitMs: 1_000 };

/** A whole history of the pieces given. */
export function history(...pieces: readonly Piece[]): Line[] {
  return [begin(true), ...pieces.flat()];
}

/** The same of a backend that promises no order. */
export function unfairHistory(...pieces: readonly Piece[]): Line[] {
  return [begin(false), ...pieces.flat()];
}

/** What is found in a history, each as its rule and the process that it happened to. */
export function found(lines: readonly Line[]): string[] {
  return check(lines).map(({ rule, request, lines: [line] }) => {
    return `${rule} ${request?.pid ?? line?.pid}`;
  });
}

function begin(fair: boolean): BeginLine {
  const what = { backend: "fixture", seed: 7, fair, limits, schedule: ["at 1 ms: a fault"] };
  return { t: "0", pid: 0, event: "begin", ...what };
}

/** The request of a process: what happened to it at how many milliseconds. */
export class Story {
  readonly #of: Required<Omit<Of, "wait">>;
  readonly #wait: number | null;
  readonly #lines: Line[] = [];

  constructor({ pid, hold = 1, name = "x", shared = false, wait }: Of) {
    this.#of = { pid, hold, name, shared };
    this.#wait = wait ?? null;
  }

  ask(ms: number): this {
    return this.#add(ms, { event: "ask", wait: this.#wait });
  }

  /** It was granted; `sent` is left as the time of the asking, which nobody judges by. */
  granted(ms: number, token: number): this {
    return this.#add(ms, { event: "granted", sent: "0", token: String(token) });
  }

  /** `assertHeld()` passed at all these times. */
  held(...all: readonly number[]): this {
    for (const ms of all) this.#add(ms, { event: "held" });
    return this;
  }

  lost(ms: number, reason = "expired"): this {
    return this.#add(ms, { event: "lost", reason });
  }

  refused(ms: number): this {
    return this.#add(ms, { event: "refused", why: "COORD_BUSY" });
  }

  step(event: "queued" | "abort" | "release" | "released", ms: number): this {
    return this.#add(ms, { event });
  }

  /** Given back at once. */
  release(ms: number): this {
    return this.step("release", ms).step("released", ms);
  }

  get lines(): Piece {
    return this.#lines;
  }

  #add(ms: number, step: object): this {
    const { pid, hold, name, shared } = this.#of;
    const mode = shared ? "shared" : "exclusive";
    this.#lines.push({ t: at(ms), pid, hold, name, mode, ...step } as RequestLine);
    return this;
  }
}

/** A hold, asked for, granted, looked at, and released if so said. */
export function hold(
  of: Of,
  token: number,
  [asked, granted, ...held]: readonly [number, number, ...number[]],
  released?: number,
): Piece {
  const story = new Story(of)
    .ask(asked)
    .granted(granted, token)
    .held(...held);
  return (released === undefined ? story : story.release(released)).lines;
}

/** A fault, from when to when. */
export function fault(
  of: FaultClass,
  kind: string,
  [from, to]: readonly [number, number?],
  whom: { readonly pid?: number; readonly name?: string } = {},
): Piece {
  const what = { pid: whom.pid ?? 0, kind, class: of, ...(whom.name && { name: whom.name }) };
  const began: Line = { t: at(from), event: "fault", ...what, phase: "begin" };
  if (to === undefined) return [began];
  return [began, { t: at(to), event: "fault", ...what, phase: "end" }];
}

/** A whole turn of a process's event loop. */
export function alive(pid: number, since: number, until: number): Piece {
  return [{ t: at(until), pid, event: "alive", since: at(since) }];
}

/** A process's coordinator changed its state. */
export function state(pid: number, ms: number): Piece {
  return [{ t: at(ms), pid, event: "state", state: "lost" }];
}

export function left(pid: number, ms: number, counts: Record<string, number>): Piece {
  return [{ t: at(ms), pid, event: "left", counts }];
}

export function end(ms: number): Piece {
  return [{ t: at(ms), pid: 0, event: "end" }];
}

/** The nanoseconds of so many milliseconds, as lines have them. */
function at(ms: number): string {
  return String(Math.round(ms * 1e6));
}
