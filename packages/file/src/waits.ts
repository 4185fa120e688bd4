import { onAbort, type Clock, type Timer } from "@coord/core/driver";
import { FileWatch } from "./disk/file-watch.js";
import { LockFile } from "./disk/lock-file.js";

/** How often those who wait look again in case a holder died, in milliseconds. */
export const recheckEvery = 25;
/** How many of them do so at once; the others have their turn the next time. */
const mostRechecks = 100;

/** Waits for something at a path. */
export interface Wait<T> {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Gives what is waited for, or undefined. It calls `moved()` when another file is at the path. */
  look(moved: () => void): T | undefined;
  /** Looks for it in another way, at the re-checks only. */
  lookElsewhere?(): T | undefined;
  /** Looks once more after so many milliseconds. */
  readonly again?: number;
  /** It will not be waited for any longer. */
  giveUp(): void;
}

interface ActiveWait {
  watch: FileWatch;
  readonly recheck: () => void;
  readonly fail: (reason: unknown) => void;
}

/**
 * All waits of a session. Each looks whenever the file at its path is touched, as releasers do, and
 * all of them, a hundred at a time, at the ticks of one timer: a holder that died, or is no program of
 * ours, touches nothing.
 */
export class Waits {
  readonly #clock: Clock;
  readonly #watchFailed: (error: unknown) => void;
  readonly #active = new Set<ActiveWait>();
  #timer: Timer | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(clock: Clock, watchFailed: (error: unknown) => void) {
    this.#clock = clock;
    this.#watchFailed = watchFailed;
  }

  /** Rejects with what looking throws, or with the reason of the signal. */
  until<T>(wait: Wait<T>): Promise<T> {
    if (this.#ended) {
      wait.giveUp();
      return Promise.reject(this.#ended.reason);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#active.delete(active);
        active.watch.close();
        again?.cancel();
        unlisten();
      };
      const fail = (reason: unknown): void => {
        end();
        wait.giveUp();
        reject(reason);
      };
      const attempt = (look: () => T | undefined): void => {
        if (!this.#active.has(active)) return;
        try {
          const found = look();
          if (found === undefined) return;
          end();
          resolve(found);
        } catch (error) {
          fail(error);
        }
      };
      const watch = (): FileWatch => new FileWatch(wait.path, look, this.#watchFailed);
      const moved = (): void => {
        active.watch.close();
        active.watch = watch();
      };
      const look = (): void => attempt(() => wait.look(moved));
      const recheck = (): void => attempt(() => wait.look(moved) ?? wait.lookElsewhere?.());
      const active: ActiveWait = { watch: watch(), recheck, fail };
      const unlisten = onAbort(wait.signal, () => fail(wait.signal.reason));
      const again =
        wait.again === undefined ? undefined : this.#clock.timer(wait.again, active.recheck);
      this.#active.add(active);
      this.#arm();
      // It may have come before the watch was there.
      look();
    });
  }

  /** Ends all of them, and any that come later. */
  end(reason: unknown): void {
    this.#ended = { reason };
    for (const { fail } of this.#active) fail(reason);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer ??= this.#clock.timer(recheckEvery, () => {
      this.#timer = undefined;
      let left = Math.min(mostRechecks, this.#active.size);
      for (const wait of this.#active) {
        if (left-- === 0) break;
        // To the end, behind those who have yet to look.
        this.#active.delete(wait);
        this.#active.add(wait);
        wait.recheck();
      }
      if (this.#active.size > 0) this.#arm();
    });
  }
}

/**
 * Waits for the lock of a file that was opened and found locked by somebody. The file it gives was
 * at the path a moment before it was locked; whether it still is, is for the caller to see.
 */
export function forLock(opened: LockFile, shared: boolean, signal: AbortSignal): Wait<LockFile> {
  let file = opened;
  return {
    path: opened.path,
    signal,
    look: (moved) => {
      const locked = file.tryLock(shared);
      if (file.isCurrent()) return locked ? file : undefined;
      // It was removed or replaced: what is at the path now is the lock.
      const next = LockFile.open(file.path);
      file.close();
      file = next;
      moved();
      return file.tryLock(shared) ? file : undefined;
    },
    giveUp: () => file.close(),
  };
}
