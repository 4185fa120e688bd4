/**
 * Lets so many through at once, the others after them in their order: a server that gets more than it
 * can answer in time answers nobody in time.
 */
export class Window {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #first = 0;
  #through = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Begins at once, or when it is its turn. Whoever begins tells by `done()` that it has ended. */
  enter(begin: () => void): void {
    if (this.#through >= this.#most) {
      this.#waiting.push(begin);
      return;
    }
    this.#through += 1;
    begin();
  }

  /** Whoever is next takes the place. */
  done(): void {
    const begin = this.#waiting[this.#first];
    if (!begin) {
      this.#through -= 1;
      return;
    }
    this.#first += 1;
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    }
    begin();
  }
}
