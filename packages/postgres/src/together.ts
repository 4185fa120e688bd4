/** The server does nothing else of the session meanwhile. */
const most = 1_000;

interface Asked<T> {
  readonly item: T;
  readonly resolve: (answer: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/** The first thing that is asked in a turn of the event loop is asked at once, all others of it by one statement. */
export class Together<T> {
  readonly #ask: (items: readonly T[]) => Promise<readonly bigint[]>;
  #asked: Asked<T>[] = [];
  #isGathering = false;

  constructor(ask: (items: readonly T[]) => Promise<readonly bigint[]>) {
    this.#ask = ask;
  }

  /** The answer for this item; `alone` asks for it by itself. */
  add(item: T, alone: () => Promise<bigint>): Promise<bigint> {
    if (!this.#isGathering) {
      this.#isGathering = true;
      process.nextTick(() => this.#flush());
      return alone();
    }
    return new Promise((resolve, reject) => {
      this.#asked.push({ item, resolve, reject });
    });
  }

  #flush(): void {
    const all = this.#asked;
    this.#asked = [];
    this.#isGathering = false;
    for (let from = 0; from < all.length; from += most) {
      const some = all.slice(from, from + most);
      this.#ask(some.map(({ item }) => item)).then(
        (answers) => some.forEach(({ resolve }, index) => resolve(answers[index] ?? 0n)),
        (error: unknown) => {
          for (const { reject } of some) reject(error);
        },
      );
    }
  }
}
