import type { Clock, Timer } from "@coord/core/driver";
import type { NamedLock } from "./locks.js";
import type { Server } from "./server.js";

/** After how many milliseconds it is looked whether who held a lock has died: that wakes nobody. */
const recheckEvery = 50;

/** Looks after all that is waited for, with one timer and one statement, for as long as anything is. */
export class Rechecks {
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #locks: () => Iterable<NamedLock>;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(clock: Clock, server: Server, locks: () => Iterable<NamedLock>) {
    this.#clock = clock;
    this.#server = server;
    this.#locks = locks;
  }

  /** Somebody waits. */
  start(): void {
    if (!this.#isOver) this.#timer ??= this.#clock.timer(recheckEvery, () => void this.#look());
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const due = [...this.#locks()].flatMap((lock) => {
      lock.reconsider();
      const retry = lock.due;
      return retry ? [{ lock, retry }] : [];
    });
    if (due.length > 0) {
      const answers = this.#server.retryAll(due.map(({ retry }) => retry));
      const each = due.map(({ lock }, index) =>
        lock.during(answers.then((all) => all[index] ?? 0n)),
      );
      await Promise.all(each);
    }
    this.#timer = undefined;
    for (const lock of this.#locks()) if (lock.isWanted) return this.start();
  }
}
