/** Open until it is shut. */
export class Gate {
  #opened: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;

  /** Doing so twice changes nothing: who waits goes on waiting. */
  shut(): void {
    if (this.#open) return;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open?.();
    this.#open = undefined;
  }

  /** Resolves when it is open. */
  pass(): Promise<void> {
    return this.#opened;
  }
}

/** The object with some of its members replaced, whatever class it is of. */
export function withOwn<T extends object>(object: T, own: Partial<T>): T {
  return new Proxy(object, {
    get: (target, key) => {
      if (key in own) return Reflect.get(own, key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
