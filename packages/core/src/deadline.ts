import type { Clock, Timer } from "./clock.js";
import { CoordError } from "./errors.js";

/** How long, in milliseconds, giving something back or closing may take before core goes on without. */
export const cleanUpWithin = 5_000;

/** Those that share a deadline. */
interface Group {
  readonly controller: AbortController;
  /** Makes each of them reject. */
  readonly members: Set<() => void>;
  since: number;
  timer: Timer | undefined;
}

/**
 * Deadlines of one length. What begins within a quarter of it shares one timer and one signal, so
 * that thousands of short calls need no more than one does.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  #newest: Group | undefined;

  /** Each is `ms` milliseconds after the beginning, or up to a quarter less. */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /**
   * Runs `work` with a deadline: then its signal is aborted and, whether `work` heeds that or not,
   * the promise rejects COORD_UNAVAILABLE. The signal may outlive the work.
   */
  run<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const now = this.#clock.now();
    const group = this.#group(now);
    // Begun first: the rest is done while the backend is at it.
    const begun = started(work, group.controller.signal);
    return new Promise((resolve, reject) => {
      const late = (): void => reject(tookLonger(what, this.#ms));
      const leave = (): void => {
        if (group.members.delete(late) && group.members.size === 0) group.timer?.cancel();
      };
      if (group.members.size === 0) this.#arm(group, now);
      group.members.add(late);
      begun.then(
        (value) => {
          leave();
          resolve(value);
        },
        (error: unknown) => {
          leave();
          reject(error);
        },
      );
    });
  }

  #group(now: number): Group {
    let group = this.#newest;
    if (!group || group.controller.signal.aborted || this.#isOld(group, now)) {
      group = {
        controller: new AbortController(),
        members: new Set(),
        since: now,
        timer: undefined,
      };
      this.#newest = group;
    }
    return group;
  }

  /** One without members begins anew with the next. */
  #isOld({ members, since }: Group, now: number): boolean {
    return members.size > 0 && now - since > this.#ms / 4;
  }

  #arm(group: Group, now: number): void {
    group.since = now;
    group.timer = this.#clock.timer(this.#ms, () => {
      for (const late of group.members) late();
      group.controller.abort(tookLonger("It", this.#ms));
    });
  }
}

/** What is thrown at once is a rejection too. */
function started<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return work(signal);
  } catch (error) {
    return Promise.reject(error);
  }
}

function tookLonger(what: string, ms: number): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    `${what} took longer than ${Math.round(ms)} ms. See whether the backend answers.`,
  );
}
