import type { KeyRange } from "../keys.js";
import type { Watches } from "./watches.js";

/** Hears what is deleted within a range. */
export interface DeletionListener {
  /** What is deleted after `since` is told from now on. */
  confirmed(): void;
  deleted(key: Buffer, at: bigint): void;
  /** Nothing is told any more. */
  ended(): void;
}

/** A range of keys, and those who hear of it. */
interface Feed {
  readonly listeners: Set<DeletionListener>;
  since: bigint | undefined;
  // The last that was told, of whoever listened then.
  told: bigint | undefined;
  end(): void;
}

/** What one listener has of a range. */
export interface Listening {
  /** What is deleted after this revision is told; undefined until that is confirmed. */
  readonly since: bigint | undefined;
  leave(): void;
}

/**
 * Tells of all that is deleted within ranges of keys: by one watch for each, however many listen, which
 * stays for a while when nobody does. Etcd looks which revision it is at before it puts a new watch
 * among those it tells at once; when something is written in between, the watch is told late, by up
 * to 100 ms. So one that lasts is better than one for each turn.
 */
export class Deletions {
  readonly #watches: Watches;
  readonly #feeds = new Map<string, Feed>();

  constructor(watches: Watches) {
    this.#watches = watches;
  }

  /** Whether a range is watched already, under the name that was given with it. */
  has(name: string): boolean {
    return this.#feeds.has(name);
  }

  /** Throws where the connection is closed. */
  listen(name: string, range: KeyRange, listener: DeletionListener): Listening {
    const feed = this.#feeds.get(name) ?? this.#begin(name, range);
    feed.listeners.add(listener);
    // Whoever joins has not heard what was told before.
    const { told } = feed;
    return {
      get since() {
        return told ?? feed.since;
      },
      leave: () => void feed.listeners.delete(listener),
    };
  }

  /** Ends what nobody listens to. */
  rest(): void {
    for (const [name, feed] of this.#feeds) {
      if (feed.listeners.size > 0) continue;
      this.#feeds.delete(name);
      feed.end();
    }
  }

  /** Nothing is watched any more, and whoever listens hears nothing. */
  forget(): void {
    this.#feeds.clear();
  }

  #begin(name: string, range: KeyRange): Feed {
    const listeners = new Set<DeletionListener>();
    const end = this.#watches.watch(
      { ...range, filters: ["Noput"] },
      {
        confirmed: (at) => {
          feed.since = feed.told = BigInt(at);
          for (const listener of listeners) listener.confirmed();
        },
        changed: (_, { key, mod_revision }) => {
          const at = BigInt(mod_revision);
          if (feed.told !== undefined && at > feed.told) feed.told = at;
          for (const listener of listeners) listener.deleted(key, at);
        },
        ended: () => {
          this.#feeds.delete(name);
          for (const listener of listeners) listener.ended();
        },
      },
    );
    const feed: Feed = { listeners, since: undefined, told: undefined, end };
    this.#feeds.set(name, feed);
    return feed;
  }
}
