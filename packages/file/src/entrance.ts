import type { Clock } from "@coord/core/driver";
import { ownFiles } from "./file-names.js";
import { LockFile } from "./disk/lock-file.js";
import { forLock, type Waits } from "./waits.js";

/** For so long, in milliseconds, somebody at the gate may leave a lock alone that is free. */
const patience = 100;
/** How often `try` looks again at a gate through which somebody is just passing. */
const looksAtGate = 3;

/**
 * The way to a lock. All who want it, alone or shared, pass a gate one at a time: they lock the gate
 * file, wait for the lock itself, and let the next one to the gate when they have it. So one who
 * wants it alone waits, at the gate, only for those who have it now (R15), whoever has just released
 * it cannot be the next one while somebody waits, and a release wakes one process and not all.
 */
export class Entrance {
  readonly #clock: Clock;
  readonly #waits: Waits;

  constructor(clock: Clock, waits: Waits) {
    this.#clock = clock;
    this.#waits = waits;
  }

  /**
   * The lock's file, locked, or undefined if that would mean to wait. Whoever is passing the gate just
   * now, also to see whether the lock is free, does not make it busy.
   */
  async try(path: string, shared: boolean): Promise<LockFile | undefined> {
    let gate = LockFile.openAndTry(gateOf(path));
    for (let look = 1; !gate.locked && look < looksAtGate; look++) {
      gate.file.close();
      await new Promise<void>((resolve) => this.#clock.timer(1, resolve));
      gate = LockFile.openAndTry(gateOf(path));
    }
    try {
      // Somebody who wants it alone waits there: more who share it would keep it from him.
      if (shared && !gate.locked) return undefined;
      const { file, locked } = LockFile.openAndTry(path, shared);
      if (locked) return file;
      file.close();
      return undefined;
    } finally {
      leave(gate);
    }
  }

  /** The lock's file, locked as soon as it can be. */
  async enter(path: string, shared: boolean, signal: AbortSignal): Promise<LockFile> {
    const gate = LockFile.openAndTry(gateOf(path));
    const passed = gate.locked
      ? gate.file
      : await this.#waitAtGate(gate.file, path, shared, signal);
    if (passed.path === path) return passed;
    try {
      const { file, locked } = LockFile.openAndTry(path, shared);
      return locked ? file : await this.#waits.until(forLock(file, shared, signal));
    } finally {
      passed.release();
    }
  }

  /** The gate, or the lock itself where somebody at the gate does not take it: a process that stands still. */
  #waitAtGate(
    gate: LockFile,
    path: string,
    shared: boolean,
    signal: AbortSignal,
  ): Promise<LockFile> {
    const since = this.#clock.now();
    const wait = forLock(gate, false, signal);
    const lookElsewhere = (): LockFile | undefined => {
      if (this.#clock.now() - since < patience) return undefined;
      const { file, locked } = LockFile.openAndTry(path);
      if (!locked) {
        file.close();
        return undefined;
      }
      if (shared) file.tryLock(true);
      wait.giveUp();
      return file;
    };
    return this.#waits.until({ ...wait, lookElsewhere });
  }
}

function gateOf(path: string): string {
  return `${path}${ownFiles.gate}`;
}

function leave({ file, locked }: { file: LockFile; locked: boolean }): void {
  if (locked) file.release();
  else file.close();
}
