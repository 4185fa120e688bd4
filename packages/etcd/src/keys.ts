/** Keys that begin alike: from the first to before the second. */
export interface KeyRange {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

/** Where one request stands, and which keys of the line stand in its way. */
export interface Spot {
  readonly key: Buffer;
  readonly isShared: boolean;
  /** The whole line. */
  readonly line: KeyRange;
  /** Those that it has to wait for when they are before it. */
  readonly rivals: KeyRange;
}

/** Where things are in etcd. What separates the parts of a key is in no escaped part. */
export class Keys {
  readonly #locks: string;
  readonly #sessions: string;

  constructor(namespace: string) {
    this.#locks = `${escape(namespace)}/locks/`;
    this.#sessions = `${escape(namespace)}/sessions/`;
  }

  session(id: string): Buffer {
    return Buffer.from(this.#sessions + id);
  }

  line(name: string): KeyRange {
    return startingWith(this.#line(name));
  }

  /** @param seat nobody else's in the line */
  spot({ name, mode }: { name: string; mode: string }, seat: string): Spot {
    const line = this.#line(name);
    const writers = `${line}x/`;
    const whole = startingWith(line);
    const isShared = mode === "shared";
    return {
      isShared,
      key: Buffer.from((isShared ? `${line}s/` : writers) + seat),
      line: whole,
      // Readers do not mind each other.
      rivals: isShared ? startingWith(writers) : whole,
    };
  }

  /** Whether a key of the name's line is that of one who shares. */
  isShared(name: string, key: Buffer): boolean {
    return key.toString().startsWith(`${this.#line(name)}s/`);
  }

  #line(name: string): string {
    return `${this.#locks}${escape(name)}/`;
  }
}

/** Every prefix here ends with a slash, so the next one of its length ends with what comes after it. */
function startingWith(prefix: string): KeyRange {
  return { key: Buffer.from(prefix), range_end: Buffer.from(`${prefix.slice(0, -1)}0`) };
}

function escape(text: string): string {
  return text.replace(/[%/]/g, (character) => (character === "%" ? "%25" : "%2f"));
}
