/**
 * Which keys of a session are in use in each line. One that is free again is used again: etcd looks at
 * every key that there ever was in a range, until it is compacted, so with a new one for each attempt
 * a lock would become slower each time. Its own Go mutex uses the lease's id in that way, too.
 */
export class Seats {
  // By the name of the lock.
  readonly #taken = new Map<string, Set<number>>();

  /** The least that is free. */
  take(name: string): number {
    const taken = this.#taken.get(name) ?? new Set();
    let seat = 0;
    while (taken.has(seat)) seat += 1;
    this.#taken.set(name, taken.add(seat));
    return seat;
  }

  /** Only when nothing of it is at the server, and nothing can come there any more. */
  free(name: string, seat: number): void {
    const taken = this.#taken.get(name);
    taken?.delete(seat);
    if (taken?.size === 0) this.#taken.delete(name);
  }
}
