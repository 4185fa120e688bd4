import type { Fault, Granted, Mark, Request, Story } from "./story.js";

/** Faults that stop a process: from their beginning on it does nothing that can be relied on. */
const stopping: ReadonlySet<string> = new Set(["kill", "pause"]);

/** From where to where, in order of the lines, a hold certainly passed `assertHeld()`. */
export interface Belief {
  readonly request: Granted;
  readonly from: number;
  readonly until: number;
}

/**
 * What can be believed of holds. What passed `assertHeld()` twice passed it all the while between,
 * because what was lost stays lost. One of which nothing more is heard, neither of its end nor of its
 * loss, is believed until its process was ordered to stop, but no longer than its holder may be silent.
 */
export class Beliefs {
  readonly #story: Story;
  readonly #times: readonly number[];
  readonly #stops = new Map<number, Fault[]>();

  constructor(story: Story) {
    this.#story = story;
    this.#times = timesOf(story);
    for (const fault of story.faults) {
      if (!stopping.has(fault.kind)) continue;
      const stops = this.#stops.get(fault.pid) ?? [];
      stops.push(fault);
      this.#stops.set(fault.pid, stops);
    }
  }

  /** Undefined where `assertHeld()` never passed. */
  of(request: Granted): Belief | undefined {
    const { firstHeld, lastHeld, told, release } = request;
    if (!firstHeld || !lastHeld) return undefined;
    const from = firstHeld.index;
    if (told || release) return { request, from, until: lastHeld.index };
    // The last look may have been while the order was on its way.
    const stops = this.#stops.get(request.pid) ?? [];
    const stop = stops.find((fault) => indexOf(fault.end) > lastHeld.index);
    const patient = this.#lastAt(lastHeld.at + this.#story.begin.limits.patienceMs);
    const until = Math.min(indexOf(stop?.begin), patient);
    return { request, from, until: Math.max(lastHeld.index, until) };
  }

  /** Between the last line that is not after this time and the next. */
  #lastAt(at: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low - 0.5;
  }
}

function timesOf({ begin, lines }: Story): number[] {
  const start = BigInt(begin.t);
  return lines.map(({ t }) => Number(BigInt(t) - start) / 1e6);
}

/** Whether the fault may have taken this hold away, or have asked for it: it was, or may have been, there. */
export function concerns(fault: Fault, request: Granted): boolean {
  const over = Math.min(indexOf(request.released), indexOf(request.told));
  return (
    (fault.pid === 0 || fault.pid === request.pid) &&
    (fault.name === undefined || fault.name === request.name) &&
    fault.begin.index < over &&
    request.asked.index < indexOf(fault.end)
  );
}

/** Who may have been robbed, and since when: of faults that take away, the first that concerned each hold. */
export class Robbed {
  readonly #faults: readonly Fault[];
  readonly #since = new Map<Request, number>();

  constructor({ faults }: Story) {
    this.#faults = faults.filter((fault) => fault.class === "revoked");
  }

  /** The place in order of the lines; `Infinity`: never. */
  since(request: Granted): number {
    const known = this.#since.get(request);
    if (known !== undefined) return known;
    const first = this.#faults.find((fault) => concerns(fault, request));
    const since = indexOf(first?.begin);
    this.#since.set(request, since);
    return since;
  }

  /** Whether only tokens tell these two apart: one was granted after the other was taken away. */
  between(a: Granted, b: Granted): boolean {
    return this.since(a) < b.granted.index || this.since(b) < a.granted.index;
  }
}

/** A mark's place in order; `Infinity` where it never came. */
export function indexOf(mark: Mark | undefined): number {
  return mark?.index ?? Infinity;
}

/** When the holder stopped relying on it, by its own word; `Infinity`: never. */
export function givenUp({ told, release }: Request): number {
  return Math.min(indexOf(told), indexOf(release));
}

/** The first of a list in order whose place is after `index`; the list's length if there is none. */
export function firstAfter<T>(
  list: readonly T[],
  index: number,
  placeOf: (item: T) => number,
): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(list[middle] as T) <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}
