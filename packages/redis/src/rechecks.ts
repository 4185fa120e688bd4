import type { Clock, Timer } from "@coord/core/driver";

/** Looks again after those who are next in line, when the one before them may be gone: one timer for all. */
export class Rechecks {
  readonly #clock: Clock;
  readonly #look: (owner: string) => void;
  readonly #due = new Map<string, number>();
  #timer: Timer | undefined;
  #looksAt = Infinity;

  constructor(clock: Clock, look: (owner: string) => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Looks after `owner` in so many milliseconds, and no more when it was to be looked after before. */
  after(ms: number, owner: string): void {
    const at = this.#clock.now() + ms;
    this.#due.set(owner, at);
    this.#arm(at);
  }

  /** Whether it is to be looked after. */
  has(owner: string): boolean {
    return this.#due.has(owner);
  }

  /** It waits no more. */
  forget(owner: string): void {
    if (!this.#due.delete(owner) || this.#due.size > 0) return;
    this.stop();
    this.#looksAt = Infinity;
  }

  stop(): void {
    this.#due.clear();
    this.#timer?.cancel();
  }

  #arm(next: number): void {
    if (next >= this.#looksAt) return;
    this.#timer?.cancel();
    this.#looksAt = next;
    this.#timer = this.#clock.timer(Math.max(0, next - this.#clock.now()), () => {
      this.#looksAt = Infinity;
      const now = this.#clock.now();
      for (const [owner, at] of this.#due) {
        if (at > now) {
          this.#arm(at);
          continue;
        }
        this.#due.delete(owner);
        this.#look(owner);
      }
    });
  }
}
