import type { Clock } from "@coord/core/driver";
import type { LockFile } from "./disk/lock-file.js";
import type { Place, Spare } from "./disk/places.js";
import { failure } from "./disk/failures.js";
import { forLock, type Wait, type Waits } from "./waits.js";

/** For so long, in milliseconds, somebody at the gate may leave a lock alone that is free. */
const patience = 100;
/** For so long, in milliseconds, whoever has given a lock back leaves it to those who wait. */
const courtesy = 2;
/** How often `try` looks again at a queue in which somebody is just for an instant. */
const looksAtQueue = 3;
/** How often one who is going to wait tries to be seen at once, while somebody is in the queue for an instant. */
const mostTries = 8;
/** How often a file that is replaced while it is opened is opened again. */
const mostOpened = 100;

/**
 * The way to a lock. All who wait for it, alone or shared, hold the queue's file together. Who comes
 * when nobody does, which is seen by holding it alone for an instant, takes the lock if that is free.
 *
 * Those who wait pass a gate one at a time: they lock the gate's file, wait for the lock itself, and
 * let the next one to the gate when they have it. So one who wants it alone waits, at the gate, only
 * for those who have it now (R15), whoever has just released it is not the next one while somebody
 * waits, and a release wakes one process and not all.
 */
export class Entrance {
  readonly #clock: Clock;
  readonly #waits: Waits;

  constructor(clock: Clock, waits: Waits) {
    this.#clock = clock;
    this.#waits = waits;
  }

  /**
   * The lock's file, locked, or undefined if that would mean to wait. Whoever is there for an instant
   * only, also to see whether the lock is free, does not make it busy. That the file is still at its
   * path is for the caller to see.
   */
  async try(place: Place, shared: boolean): Promise<LockFile | undefined> {
    const queue = place.queue.take();
    try {
      let alone = queue.tryLock();
      for (let look = 1; !alone && look < looksAtQueue; look++) {
        await new Promise<void>((resolve) => this.#clock.timer(1, resolve));
        alone = queue.tryLock();
      }
      // Somebody who wants it alone may wait: more who share it would keep it from him.
      return shared && !alone ? undefined : takeFree(place, shared);
    } finally {
      putBack(place.queue, queue);
    }
  }

  /** The lock's file, locked as soon as it can be: at once, if it is free and nobody waits for it. As for `try()`. */
  enter(
    place: Place,
    shared: boolean,
    request: { readonly signal: AbortSignal },
  ): LockFile | Promise<LockFile> {
    const queue = place.queue.take();
    let file: LockFile | undefined;
    try {
      if (queue.tryLock()) file = takeFree(place, shared);
    } catch (error) {
      queue.close();
      throw error;
    }
    if (!file) return this.#queue(place, queue, shared, request.signal);
    putBack(place.queue, queue);
    return file;
  }

  async #queue(
    place: Place,
    queue: LockFile,
    shared: boolean,
    signal: AbortSignal,
  ): Promise<LockFile> {
    let gate: LockFile | undefined;
    try {
      for (let look = 1; !queue.tryLock(true) && look < mostTries; look++);
      const isOurTurn = this.#sinceRelease(place) > courtesy;
      const passed =
        (isOurTurn ? takeGate(place) : undefined) ??
        (await this.#waitAtGate(place, queue, shared, signal));
      if (passed.path === place.path) return passed;
      gate = passed;
      const file = takeFree(place, shared);
      if (file) return file;
      const wait = inQueue(queue, forLock(place.lock.take(), shared, signal));
      return await this.#waits.until({ ...wait, path: place.queue.path });
    } finally {
      // First, so that who finds somebody in the queue is told when the gate opens.
      putBack(place.queue, queue);
      if (gate) {
        gate.unlock();
        gate.tell(this.#clock.wall());
        place.gate.keep(gate);
      }
    }
  }

  /** The gate, or the lock itself where somebody at the gate does not take it: a process that stands still. */
  #waitAtGate(
    place: Place,
    queue: LockFile,
    shared: boolean,
    signal: AbortSignal,
  ): Promise<LockFile> {
    const since = this.#clock.now();
    const wait = forLock(place.gate.take(), false, signal);
    const lookElsewhere = (): LockFile | undefined => {
      if (this.#clock.now() - since < patience) return undefined;
      const file = takeFree(place, false);
      if (!file) return undefined;
      if (shared) file.tryLock(true);
      wait.giveUp();
      return file;
    };
    const polite = this.#politely(place, queue, wait);
    return this.#waits.until({ ...inQueue(queue, polite), lookElsewhere });
  }

  /**
   * Does not look, for some time, while others are in the queue and nobody was granted the lock since we
   * gave it back. Those others may have yet to wake, and we hear of what we ourselves tell them.
   */
  #politely(place: Place, queue: LockFile, wait: Wait<LockFile>): Wait<LockFile> {
    if (this.#sinceRelease(place) > courtesy) return wait;
    const look = (moved: () => void): LockFile | undefined => {
      const tooSoon = this.#sinceRelease(place) <= courtesy && place.records.areAsWeLeftThem();
      return tooSoon && !isAlone(queue) ? undefined : wait.look(moved);
    };
    return { ...wait, look, again: courtesy };
  }

  /** Milliseconds. */
  #sinceRelease(place: Place): number {
    return Number(this.#clock.hrtime() - place.releasedAt) / 1e6;
  }
}

/**
 * Tries at each look to be in the queue, until it is: those who come would find that nobody waits, and
 * readers among them would pass by a writer for ever.
 */
function inQueue<T>(queue: LockFile, wait: Wait<T>): Wait<T> {
  let isIn = false;
  const look = (moved: () => void): T | undefined => {
    isIn ||= queue.tryLock(true);
    return wait.look(moved);
  };
  return { ...wait, look };
}

/** Whether nobody else is in the queue. */
function isAlone(queue: LockFile): boolean {
  return queue.tryLock() && queue.tryLock(true);
}

/** The file at the path, locked, if that is free. */
function takeFree(place: Place, shared: boolean): LockFile | undefined {
  for (let opened = 0; opened < mostOpened; opened++) {
    const file = place.lock.take();
    try {
      if (file.tryLock(shared)) return file;
      if (file.isCurrent()) {
        place.lock.keep(file);
        return undefined;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    // What is locked is not what is at the path now; so may the others not be.
    file.close();
    place.empty();
  }
  throw failure(place.path, new Error("another file is there each time it is opened"));
}

/** The gate's file, locked, if nobody else is there. */
function takeGate(place: Place): LockFile | undefined {
  const gate = place.gate.take();
  try {
    if (gate.tryLock() && gate.isCurrent()) return gate;
  } catch (error) {
    gate.close();
    throw error;
  }
  putBack(place.gate, gate);
  place.gate.check();
  return undefined;
}

/** Unlocks the file, however. */
function putBack(spare: Spare, file: LockFile): void {
  try {
    file.unlock();
  } catch {
    file.close();
    return;
  }
  spare.keep(file);
}
