/** From the client to the server, the other way, or both. */
export type Direction = "toServer" | "toClient" | "both";

/** What is sent at once through a throttled way, as a part of what may be sent in a second. */
const piecesPerSecond = 20;

/**
 * What all connections of a proxy have in common in one direction: whether something passes, how
 * late, and how fast. A change is felt at once by what is on its way.
 */
export class Way {
  #stalled = false;
  #delay = 0;
  #bytesPerSecond = Infinity;
  /** When what was sent last is through, as far as the throttle goes. */
  #freeAt = 0;
  readonly #waiting = new Set<() => void>();

  stall(): void {
    this.#stalled = true;
  }

  delay(ms: number): void {
    this.#delay = ms;
    this.#tell();
  }

  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#freeAt = 0;
    this.#tell();
  }

  /** Everything passes at once. */
  heal(): void {
    this.#stalled = false;
    this.#delay = 0;
    this.throttle(Infinity);
  }

  /** How many bytes may be sent at once. */
  get pieces(): number {
    return Math.max(1, Math.floor(this.#bytesPerSecond / piecesPerSecond));
  }

  /**
   * Waits until something that came at the instant `since`, of `performance.now()`, and is so many
   * bytes long may go on; at the latest until `ended` says so after `wake()`.
   */
  async pass(bytes: number, since: number, ended: () => boolean): Promise<void> {
    for (;;) {
      const now = performance.now();
      const dueAt = this.#stalled ? Infinity : Math.max(since + this.#delay, this.#freeAt);
      if (ended() || dueAt <= now) {
        this.#freeAt = Math.max(now, this.#freeAt) + (bytes / this.#bytesPerSecond) * 1_000;
        return;
      }
      await this.#changeWithin(dueAt - now);
    }
  }

  /** Lets all that wait look whether they have ended. */
  wake(): void {
    this.#tell();
  }

  #changeWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(go);
        resolve();
      };
      const timer = ms < Infinity ? setTimeout(go, Math.ceil(ms)) : undefined;
      this.#waiting.add(go);
    });
  }

  #tell(): void {
    for (const go of this.#waiting) go();
  }
}
