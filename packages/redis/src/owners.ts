import type { Clock } from "@coord/core/driver";

/**
 * What requests are called at the server. Core's owner of a request stays the same over sessions; there it
 * is followed by what is the session's own, so that what an ended one still gives back is not the next one's.
 */
export class Owners {
  readonly #clock: Clock;
  readonly #suffix: string;
  readonly #previous: string | undefined;
  readonly #previousUntil: number;

  /** @param previous the id of the session before this one, whose holds last `ttl` milliseconds longer at most */
  constructor(
    clock: Clock,
    { session, previous, ttl }: { session: string; previous: string | undefined; ttl: number },
  ) {
    this.#clock = clock;
    this.#suffix = suffixOf(session);
    this.#previous = previous === undefined ? undefined : suffixOf(previous);
    this.#previousUntil = clock.now() + ttl;
  }

  /** What the owner of a request is called. */
  nameOf(owner: string): string {
    return owner + this.#suffix;
  }

  /** What it was called by the session before this one, for as long as the server may have it under that. */
  previousNameOf(owner: string): string | undefined {
    if (this.#previous === undefined || this.#clock.now() >= this.#previousUntil) return undefined;
    return owner + this.#previous;
  }

  /** Whom of this session a name is about, if it is one of its own. */
  ownerOf(name: string): string | undefined {
    return name.endsWith(this.#suffix) ? name.slice(0, -this.#suffix.length) : undefined;
  }
}

function suffixOf(session: string): string {
  return `.${session.slice(0, 8)}`;
}
