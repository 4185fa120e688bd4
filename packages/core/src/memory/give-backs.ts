/** Gives back what a session was granted or asked for, as often as it takes until there is an answer. */
export class GiveBacks {
  readonly #ask: (owner: string) => Promise<"released" | "gone">;
  readonly #isOver: () => boolean;
  readonly #underWay = new Set<Promise<void>>();

  /** `isOver`: with the session all that was held through it has gone. */
  constructor(ask: (owner: string) => Promise<"released" | "gone">, isOver: () => boolean) {
    this.#ask = ask;
    this.#isOver = isOver;
  }

  /** Resolves when all that nobody waits for has been given back. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Rejects when there is no answer until `signal` is aborted; then it goes on all the same. */
  async release(owner: string, signal: AbortSignal): Promise<"released" | "gone"> {
    let asked = false;
    for (;;) {
      try {
        const answer = await this.#ask(owner);
        // Gone because of the request whose reply was lost.
        return asked ? "released" : answer;
      } catch (error) {
        asked = true;
        if (!signal.aborted && !this.#isOver()) continue;
        this.withdraw(owner);
        throw error;
      }
    }
  }

  /** Leaves nothing of a request at the server, however long that takes: at most as long as the lease. */
  withdraw(owner: string): void {
    const giving = (async () => {
      while (!this.#isOver()) {
        try {
          await this.#ask(owner);
          return;
        } catch {
          // No answer: once more.
        }
      }
    })();
    this.#underWay.add(giving);
    void giving.then(() => this.#underWay.delete(giving));
  }
}
