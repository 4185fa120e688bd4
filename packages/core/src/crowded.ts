/** Of how many locks that is remembered. */
const most = 1_000;

/**
 * Which locks others wanted, too, when it was last asked: for those a driver asks at once what it would
 * otherwise ask only after a shorter question has failed. What is forgotten costs that one question.
 */
export class Crowded<Key> {
  readonly #keys = new Set<Key>();

  has(key: Key): boolean {
    return this.#keys.has(key);
  }

  add(key: Key): void {
    if (this.#keys.size === most) this.#keys.clear();
    this.#keys.add(key);
  }

  delete(key: Key): void {
    this.#keys.delete(key);
  }
}
