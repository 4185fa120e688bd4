import { isCoordError } from "@coord/core";
import type { Clock } from "@coord/core/driver";
import type { Line, RequestLine, StepLine } from "./events.js";

/** Writes the lines of one process. */
export class Scribe {
  readonly pid: number;
  readonly #clock: Pick<Clock, "hrtime">;
  readonly #write: (line: Line) => void;
  readonly #unanswered = new Set<Asked>();
  readonly #held = new Set<Asked>();
  #holds = 0;

  /** `write` must have written for good when it returns: this process may be killed at any moment. */
  constructor(pid: number, clock: Pick<Clock, "hrtime">, write: (line: Line) => void) {
    this.pid = pid;
    this.#clock = clock;
    this.#write = write;
  }

  /** Whether it has anything of which it was not told that it is lost, and that it did not give back. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** To be called before the request is made. */
  ask(name: string, shared: boolean, wait: number | null): Asked {
    const asked = new Asked(this, (this.#holds += 1), name, shared);
    this.#unanswered.add(asked);
    asked.write({ event: "ask", wait });
    return asked;
  }

  /** Whether no other request of this process for the same name waits for an answer. */
  isOnlyOne(asked: Asked): boolean {
    for (const other of this.#unanswered) {
      if (other !== asked && other.name === asked.name) return false;
    }
    return true;
  }

  state(state: string): void {
    this.#write({ t: this.now(), pid: this.pid, event: "state", state });
  }

  alive(since: bigint): void {
    this.#write({ t: this.now(), pid: this.pid, event: "alive", since: String(since) });
  }

  left(counts: Readonly<Record<string, number>>): void {
    this.#write({ t: this.now(), pid: this.pid, event: "left", counts });
  }

  /** @internal */
  now(): string {
    return String(this.#clock.hrtime());
  }

  /** @internal */
  note(asked: Asked, line: RequestLine): void {
    this.#write(line);
    const { event } = line;
    if (event === "granted" || event === "refused") this.#unanswered.delete(asked);
    if (event === "granted") this.#held.add(asked);
    if (event === "lost" || event === "release") this.#held.delete(asked);
  }
}

/** What can be written of a request, besides what all its lines have. */
type Own<Some> = Some extends RequestLine
  ? Omit<Some, "t" | "pid" | "hold" | "name" | "mode">
  : never;

/** One request, and what becomes of it. */
export class Asked {
  readonly name: string;
  readonly #scribe: Scribe;
  readonly #hold: number;
  readonly #shared: boolean;
  readonly #sent: string;
  #answered = false;
  #lost = false;

  /** @internal */
  constructor(scribe: Scribe, hold: number, name: string, shared: boolean) {
    this.name = name;
    this.#scribe = scribe;
    this.#hold = hold;
    this.#shared = shared;
    this.#sent = scribe.now();
  }

  /** Whether it was granted or refused. */
  get answered(): boolean {
    return this.#answered;
  }

  granted(token: bigint): void {
    this.#answered = true;
    this.write({ event: "granted", sent: this.#sent, token: String(token) });
  }

  refused(why: string): void {
    this.#answered = true;
    this.write({ event: "refused", why });
  }

  /** Told again, nothing is written. */
  lost(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    const reason = isCoordError(error) ? (error.reason ?? error.code) : "unknown";
    this.write({ event: "lost", reason });
  }

  /** Writes a step, as of now or of the instant given. */
  write(step: Own<RequestLine> | Own<StepLine>, at?: bigint): void {
    const { pid } = this.#scribe;
    const t = at === undefined ? this.#scribe.now() : String(at);
    const mode = this.#shared ? "shared" : "exclusive";
    const line = { t, pid, hold: this.#hold, name: this.name, mode, ...step } as RequestLine;
    this.#scribe.note(this, line);
  }
}
