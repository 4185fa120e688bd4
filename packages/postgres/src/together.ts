/** The server does nothing else of the session meanwhile. */
const most = 1_000;

interface Asked<T> {
  readonly item: T;
  readonly alone: () => Promise<bigint>;
  readonly resolve: (answer: bigint | Promise<bigint>) => void;
  readonly reject: (error: unknown) => void;
}

/** What is asked in one turn of the event loop is asked by one statement. */
export class Together<T> {
  readonly #ask: (items: readonly T[]) => Promise<readonly bigint[]>;
  #asked: Asked<T>[] = [];

  constructor(ask: (items: readonly T[]) => Promise<readonly bigint[]>) {
    this.#ask = ask;
  }

  /** The answer for this item; `alone` asks where there is no other. */
  add(item: T, alone: () => Promise<bigint>): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ item, alone, resolve, reject });
      if (this.#asked.length === 1) process.nextTick(() => this.#flush());
    });
  }

  #flush(): void {
    const all = this.#asked;
    this.#asked = [];
    const [first] = all;
    if (first && all.length === 1) {
      first.resolve(first.alone());
      return;
    }
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
