import type { Watcher } from "./connection.js";

/** The library's number of an event. */
const nodeDeleted = 2;

interface Watched {
  readonly tell: (event: { readonly type: number }) => void;
  readonly all: Set<Watcher>;
}

/** Those who watch nodes. The library gets one listener for each node, whoever watches it and how often. */
export class Watchers {
  readonly #watched = new Map<string, Watched>();

  /** The node's listener, for the library; it tells all who watch the node then, once. */
  add(path: string, watcher: Watcher): Watched["tell"] {
    let watched = this.#watched.get(path);
    if (!watched) {
      const all = new Set<Watcher>();
      const tell: Watched["tell"] = ({ type }) => {
        this.#watched.delete(path);
        for (const each of all) each(type === nodeDeleted ? "deleted" : "changed");
      };
      watched = { tell, all };
      this.#watched.set(path, watched);
    }
    watched.all.add(watcher);
    return watched.tell;
  }

  has(path: string): boolean {
    return this.#watched.has(path);
  }

  remove(path: string, watcher: Watcher): void {
    this.#watched.get(path)?.all.delete(watcher);
  }

  /** It was not added at the server. An earlier one's news would have come before that was said. */
  refused(path: string, watcher: Watcher): void {
    this.remove(path, watcher);
    if (this.#watched.get(path)?.all.size === 0) this.#watched.delete(path);
  }
}
