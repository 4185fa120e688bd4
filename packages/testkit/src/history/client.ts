import { getEventListeners } from "node:events";
import { isCoordError, type Coordinator, type Hold } from "@coord/core";
import type { Clock } from "@coord/core/driver";
import { oneOf, type Random } from "./random.js";
import type { Asked, Scribe } from "./scribe.js";

/** How the clients of a history behave. All durations are milliseconds. */
export interface Habits {
  /** The locks they take. Of the first nobody who waits gives up, so that who is in line can be told. */
  readonly names: readonly string[];
  /** How many ask at once in each process. */
  readonly clients: number;
  /** At most so long they do nothing between two requests. */
  readonly restMs: number;
  /** At most so long they hold a lock, mostly; one time in forty up to `longMs`. */
  readonly workMs: number;
  readonly longMs: number;
  /** So often they look whether they still hold it. */
  readonly lookMs: number;
  /** At most so long those wait who give up. */
  readonly patientMs: number;
}

/** The process that a client is in. */
export interface Home {
  readonly coordinator: Coordinator;
  readonly clock: Pick<Clock, "hrtime" | "timer">;
  readonly scribe: Scribe;
  /** Aborted when nobody shall ask any more. */
  readonly ending: AbortSignal;
}

/** Asks for locks in turns, holds them for a while, gives them back, and writes down each step. */
export class Client {
  readonly #home: Home;
  readonly #habits: Habits;
  readonly #random: Random;
  // Given to all requests, so that a listener of any that was forgotten shows.
  readonly #whole = new AbortController().signal;

  constructor(home: Home, habits: Habits, random: Random) {
    this.#home = home;
    this.#habits = habits;
    this.#random = random;
  }

  /** How many listeners its requests have left. */
  get listeners(): number {
    return getEventListeners(this.#whole, "abort").length;
  }

  /** Resolves when nobody shall ask any more and its last request is over. */
  async play(): Promise<void> {
    const { ending } = this.#home;
    while (!ending.aborted) {
      // Many ask again at once, as those do who have much to do.
      if (this.#random(3) > 0) await this.#pass(this.#random(this.#habits.restMs));
      if (!ending.aborted) await this.#turn();
    }
  }

  /** Takes one lock for itself, as soon as it can, and gives it back. */
  async take(name: string): Promise<void> {
    const asked = this.#home.scribe.ask(name, false, null);
    const { coordinator } = this.#home;
    const hold = await this.#granted(asked, () => coordinator.getLock(name).acquire());
    if (hold) await this.#giveBack(asked, hold);
  }

  async #turn(): Promise<void> {
    const random = this.#random;
    const { names, patientMs } = this.#habits;
    const name = oneOf(random, names);
    const shared = random(3) === 0;
    const kind = random(8);
    const mayGiveUp = name !== names[0];
    const wait = kind === 0 ? 0 : kind === 1 && mayGiveUp ? 1 + random(patientMs) : null;
    const aborts = kind === 2 && mayGiveUp;
    const blind = random(4) === 0;
    const workMs = random(40) === 0 ? random(this.#habits.longMs) : random(this.#habits.workMs);
    const looksUp = kind > 4;

    const asked = this.#home.scribe.ask(name, shared, wait);
    const controller = aborts ? new AbortController() : undefined;
    const signal = controller?.signal ?? this.#whole;
    const timer = controller && this.#abortLater(asked, controller, random(patientMs));
    const timeout = wait ?? undefined;
    const waiting = this.#granted(asked, () => {
      const lock = this.#home.coordinator.getLock(name);
      const options = { shared, signal, timeout };
      return wait === 0 ? lock.tryAcquire(options) : lock.acquire(options);
    });
    if (looksUp && wait === null && !aborts) void this.#findInLine(asked, name);
    const hold = await waiting;
    timer?.cancel();
    if (hold) await this.#work(asked, hold, workMs, blind);
  }

  #abortLater(asked: Asked, controller: AbortController, ms: number): { cancel(): void } {
    return this.#home.clock.timer(ms, () => {
      if (asked.answered) return;
      asked.write({ event: "abort" });
      controller.abort(new Error("This client does not want it any more."));
    });
  }

  /** A coordinator that was stopped refuses, too. */
  async #granted(
    asked: Asked,
    acquire: () => Promise<Hold | undefined>,
  ): Promise<Hold | undefined> {
    try {
      const hold = await acquire();
      if (!hold) {
        asked.refused("busy");
        return undefined;
      }
      asked.granted(hold.token);
      const { signal } = hold;
      const lost = (): void => asked.lost(signal.reason);
      if (signal.aborted) lost();
      else signal.addEventListener("abort", lost, { once: true });
      return hold;
    } catch (error) {
      asked.refused(isCoordError(error) ? error.code : "aborted");
      return undefined;
    }
  }

  /** Writes down that it is in line if the backend shows this process there, and it can mean nothing else. */
  async #findInLine(asked: Asked, name: string): Promise<void> {
    const { coordinator, scribe } = this.#home;
    // Until then the request has come to the backend, mostly.
    await this.#pass(this.#habits.lookMs / 2);
    if (asked.answered || !scribe.isOnlyOne(asked)) return;
    try {
      const { waiters } = await coordinator.getLock(name).inspect();
      const isThere = waiters.some(({ member }) => member === coordinator.memberId);
      if (isThere && !asked.answered && scribe.isOnlyOne(asked)) asked.write({ event: "queued" });
    } catch {
      // Nobody can tell.
    }
  }

  async #work(asked: Asked, hold: Hold, ms: number, blind: boolean): Promise<void> {
    const { clock } = this.#home;
    const until = clock.hrtime() + BigInt(Math.round(ms * 1e6));
    while (look(asked, hold)) {
      const left = Number(until - clock.hrtime()) / 1e6;
      if (left <= 0) break;
      await this.#pass(Math.min(left, this.#habits.lookMs));
      // It may have stood still meanwhile: what it gives back may be another's by now.
      if (blind && clock.hrtime() >= until) break;
    }
    await this.#giveBack(asked, hold);
  }

  async #giveBack(asked: Asked, hold: Hold): Promise<void> {
    asked.write({ event: "release" });
    await hold[Symbol.asyncDispose]();
    asked.write({ event: "released" });
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#home.clock.timer(ms, resolve));
  }
}

function look(asked: Asked, hold: Hold): boolean {
  try {
    asked.write({ event: "held" }, hold.assertHeld());
    return true;
  } catch (error) {
    asked.lost(error);
    return false;
  }
}
