import {
  inOrder,
  isOfRequest,
  type AliveLine,
  type BeginLine,
  type FaultClass,
  type Line,
  type RequestLine,
} from "./events.js";

/** A moment of a history: of two, the one with the greater `index` is later. */
export interface Mark {
  readonly index: number;
  /** Milliseconds since the history began. */
  readonly at: number;
}

/** One request for a lock, from asking to the end of what was granted; what is undefined did not happen. */
export interface Request {
  readonly pid: number;
  readonly hold: number;
  readonly name: string;
  readonly shared: boolean;
  readonly lines: RequestLine[];
  asked: Mark;
  /** For how many milliseconds it waits. */
  wait: number;
  queued?: Mark;
  granted?: Mark;
  token?: bigint;
  /** The first and the last `assertHeld()` that passed. */
  firstHeld?: Mark;
  lastHeld?: Mark;
  told?: Mark;
  reason?: string;
  abort?: Mark;
  release?: Mark;
  released?: Mark;
  refused?: Mark;
}

/** A request that was granted. */
export type Granted = Request & { readonly granted: Mark; readonly token: bigint };

/** Something that went wrong, on purpose. */
export interface Fault {
  readonly kind: string;
  readonly class: FaultClass;
  /** Whom it concerns; 0: everybody. */
  readonly pid: number;
  /** Which lock it concerns; undefined: all. */
  readonly name: string | undefined;
  readonly begin: Mark;
  end: Mark | undefined;
}

/** A whole turn of a process's event loop. */
export interface Turn {
  readonly since: number;
  readonly end: Mark;
}

/** A history as its rules need it. */
export interface Story {
  readonly begin: BeginLine;
  /** All, in order of time. */
  readonly lines: readonly Line[];
  readonly requests: readonly Request[];
  readonly faults: readonly Fault[];
  /** Of each process, in order of time. */
  readonly turns: ReadonlyMap<number, readonly Turn[]>;
  /** When a process's coordinator changed its state. */
  readonly states: ReadonlyMap<number, readonly Mark[]>;
  readonly end: Mark;
}

/**
 * Reads a history, its lines in any order.
 * @throws when it is none: without a first line, or with lines of a request that nobody made
 */
export function readStory(written: readonly Line[]): Story {
  const lines = inOrder(written);
  const begin = lines.find((line) => line.event === "begin");
  if (!begin) throw new Error("It has no line with the event begin. Give a whole history.");
  const start = BigInt(begin.t);
  const sinceStart = (t: string): number => Number(BigInt(t) - start) / 1e6;
  const requests = new Map<string, Request>();
  const faults: Fault[] = [];
  const turns = new Map<number, Turn[]>();
  const states = new Map<number, Mark[]>();
  let end: Mark = { index: lines.length, at: 0 };
  for (const [index, line] of lines.entries()) {
    const mark = { index, at: sinceStart(line.t) };
    if (line.event !== "end" && line.event !== "left") end = { index: lines.length, at: mark.at };
    if (isOfRequest(line)) takeStep(requests, line, mark);
    else if (line.event === "fault") takeFault(faults, line, mark);
    else if (line.event === "alive") put(turns, line.pid, turnOf(line, mark, sinceStart));
    else if (line.event === "state") put(states, line.pid, mark);
  }
  const last = lines.findLast((line) => line.event === "end");
  if (last) end = { index: lines.length, at: sinceStart(last.t) };
  return { begin, lines, requests: [...requests.values()], faults, turns, states, end };
}

function takeStep(requests: Map<string, Request>, line: RequestLine, mark: Mark): void {
  const { pid, hold, name, mode } = line;
  const key = `${pid}/${hold}`;
  if (line.event === "ask") {
    const wait = line.wait ?? Infinity;
    requests.set(key, {
      pid,
      hold,
      name,
      shared: mode === "shared",
      lines: [line],
      asked: mark,
      wait,
    });
    return;
  }
  const request = requests.get(key);
  if (!request) {
    throw new Error(
      `Process ${pid} never asked for its hold ${hold}. Give a whole history: ${JSON.stringify(line)}`,
    );
  }
  request.lines.push(line);
  if (line.event === "granted") {
    request.granted = mark;
    request.token = BigInt(line.token);
  } else if (line.event === "held") {
    request.firstHeld ??= mark;
    request.lastHeld = mark;
  } else if (line.event === "lost") {
    request.told ??= mark;
    request.reason ??= line.reason;
  } else {
    request[line.event] ??= mark;
  }
}

function takeFault(faults: Fault[], line: Extract<Line, { event: "fault" }>, mark: Mark): void {
  const { kind, pid, name } = line;
  if (line.phase === "begin") {
    faults.push({ kind, class: line.class, pid, name, begin: mark, end: undefined });
    return;
  }
  const open = faults.find(
    (fault) => fault.kind === kind && fault.pid === pid && fault.name === name && !fault.end,
  );
  if (open) open.end = mark;
}

function turnOf({ since }: AliveLine, end: Mark, sinceStart: (t: string) => number): Turn {
  return { since: sinceStart(since), end };
}

function put<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Whether it was granted. */
function isGranted(request: Request): request is Granted {
  return request.granted !== undefined;
}

/** Whether two holds cannot be at the same time. */
export function exclude(a: Request, b: Request): boolean {
  return a !== b && a.name === b.name && !(a.shared && b.shared);
}

/** Those that were granted, by name. */
export function grantedByName(story: Story): ReadonlyMap<string, Granted[]> {
  const names = new Map<string, Granted[]>();
  for (const request of story.requests) {
    if (!isGranted(request)) continue;
    const of = names.get(request.name);
    if (of) of.push(request);
    else names.set(request.name, [request]);
  }
  return names;
}
