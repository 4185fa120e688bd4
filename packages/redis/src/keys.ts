/** The keys of one lock, in the order in which every script gets them. */
export type LockKeys = readonly [lock: string, state: string, queue: string, token: string];

const mostKnown = 1_000;

/**
 * Where things are on the server. All keys of a lock have its name, escaped, as their hash tag, so
 * that they are in one slot of a cluster; what separates the parts cannot be in an escaped name.
 */
export class Keys {
  /** What the channels of sessions begin with. */
  readonly channels: string;
  readonly #namespace: string;
  // What is asked again and again is put together once.
  readonly #known = new Map<string, LockKeys>();

  constructor(namespace: string) {
    this.#namespace = escape(namespace);
    this.channels = `${this.#namespace}:session:`;
  }

  of(name: string): LockKeys {
    return this.#known.get(name) ?? this.#remember(name);
  }

  #remember(name: string): LockKeys {
    const lock = `${this.#namespace}:{${escape(name)}}`;
    const keys = [lock, `${lock}:state`, `${lock}:queue`, `${lock}:token`] as const;
    if (this.#known.size === mostKnown) this.#known.clear();
    this.#known.set(name, keys);
    return keys;
  }
}

/** Braces would end a hash tag early, colons a namespace. */
function escape(text: string): string {
  return text.replace(/[%{}:]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
