/**
 * What a history is written in: lines of JSON. Whoever takes part writes its own, one at a time and
 * at once, so that a kill can only take away the last; sorted by `t` they are the history.
 *
 * Every `t` is an instant of `process.hrtime.bigint()`, in nanoseconds as decimal text, or of the
 * virtual clock of a history in virtual time. A `pid` is a process, or stands for one; 0 is whoever
 * runs the history, or everybody.
 */

/** What all lines have. */
interface Written {
  readonly t: string;
  readonly pid: number;
}

/** What all lines of one request have: it is told apart by `pid` and `hold`. */
interface OfRequest extends Written {
  readonly hold: number;
  readonly name: string;
  readonly mode: "exclusive" | "shared";
}

/** What the judgement of a history depends on, besides its events. All durations are milliseconds. */
export interface Limits {
  /**
   * So long after its last passed `assertHeld()` a hold is believed of which nothing more was heard:
   * no longer than the margin by which holders are told early.
   */
  readonly patienceMs: number;
  /** After so long everything goes as if a fault had not been. */
  readonly recoverMs: number;
  /** So long a request may wait, faults and the recovery from them not counted. */
  readonly waitMs: number;
}

/** The first line: what was to happen. */
export interface BeginLine extends Written {
  readonly event: "begin";
  readonly backend: string;
  readonly seed: number;
  /** What the traits say: whether those who wait are served in the order in which they came. */
  readonly fair: boolean;
  readonly limits: Limits;
  /** The faults that the seed planned, for people. */
  readonly schedule: readonly string[];
}

/** Somebody asks; `wait` is for how long in milliseconds, null for ever. `t` is before the call. */
export interface AskLine extends OfRequest {
  readonly event: "ask";
  readonly wait: number | null;
}

/** It was granted, as `acquire()` resolved at `t`, having been called at `sent`. */
export interface GrantedLine extends OfRequest {
  readonly event: "granted";
  readonly sent: string;
  readonly token: string;
}

/** The signal of a hold fired, or `assertHeld()` threw: `t` is when its holder knew. */
export interface LostLine extends OfRequest {
  readonly event: "lost";
  readonly reason: string;
}

/** A request ended without a grant. */
export interface RefusedLine extends OfRequest {
  readonly event: "refused";
  readonly why: string;
}

/**
 * - `queued`: the backend was asked, and had the request in line at `t`.
 * - `held`: `assertHeld()` passed; `t` is the instant it judged by.
 * - `abort`: its signal is about to be aborted.
 * - `release`: it is about to be given back; from `t` on nobody relies on it.
 * - `released`: giving back has ended.
 */
export interface StepLine extends OfRequest {
  readonly event: "queued" | "held" | "abort" | "release" | "released";
}

/** The state of a process's coordinator changed. */
export interface StateLine extends Written {
  readonly event: "state";
  readonly state: string;
}

/** The event loop of a process made a whole turn between `since` and `t`: what was due by `since` was done. */
export interface AliveLine extends Written {
  readonly event: "alive";
  readonly since: string;
}

/**
 * - `time`: a stall, a cut, a death: nobody's hold may be granted to another while it is relied on.
 * - `revoked`: what is held is taken away at the backend.
 * - `asked`: what is held is asked back.
 */
export type FaultClass = "time" | "revoked" | "asked";

/**
 * A fault is about to be made, or is over. It concerns the process `pid`, or everybody, and the
 * lock `name`, or all. A killed process's `end` is when it was seen dead, and it has no other.
 */
export interface FaultLine extends Written {
  readonly event: "fault";
  readonly kind: string;
  readonly class: FaultClass;
  readonly phase: "begin" | "end";
  readonly name?: string;
}

/** What is left of a process, or at the backend, when it should be as before: each with how many. */
export interface LeftLine extends Written {
  readonly event: "left";
  readonly counts: Readonly<Record<string, number>>;
}

/** The last line: nothing was heard after it. */
export interface EndLine extends Written {
  readonly event: "end";
}

/** A line about one request. */
export type RequestLine = AskLine | GrantedLine | LostLine | RefusedLine | StepLine;

/** A line of a history. */
export type Line = BeginLine | RequestLine | StateLine | AliveLine | FaultLine | LeftLine | EndLine;

/** Whether the line is about a request. */
export function isOfRequest(line: Line): line is RequestLine {
  return "hold" in line;
}

/** The lines as text, each with its end. */
export function toText(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/**
 * Reads lines from text. What comes after the last end of a line was being written when its writer
 * was killed, and is left out.
 * @throws with the number of a line that is none
 */
export function fromText(text: string): Line[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, index) => {
    try {
      return JSON.parse(line);
    } catch {
      throw new Error(`Line ${index + 1} is not JSON. Give a file that a soak has written.`);
    }
  });
}

/** All lines in order of time; of one instant, in the order given. */
export function inOrder(lines: readonly Line[]): Line[] {
  const timed = lines.map((line) => ({ line, t: BigInt(line.t) }));
  return timed.sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0)).map(({ line }) => line);
}
