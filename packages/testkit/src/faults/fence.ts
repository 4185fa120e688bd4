/** What a lock protects, when it checks tokens: it refuses a write with one that is not the newest. */
export class Fenced {
  #newest = 0n;

  /** Whether the write was done. */
  write(token: bigint): boolean {
    if (token < this.#newest) return false;
    this.#newest = token;
    return true;
  }
}
