/** What a connection sent, as far back as a matcher is shown it. */
const mostShown = 1024 * 1024;

/** Says whether the request that is meant is among these bytes; see `TcpProxy.swallow()`. */
export type Matcher = (bytes: Buffer) => boolean;

/** One request whose answer is to get lost. */
export interface Swallowed {
  /**
   * Resolves when the request is on its way to the server and nothing comes back any more. Rejects
   * when the proxy was healed or closed before a request matched.
   */
  readonly forwarded: Promise<void>;
  /** Resolves when the connection has been cut. Rejects as `forwarded` does. */
  readonly cut: Promise<void>;
}

/** A matcher that waits for its request, and what each connection has sent meanwhile. */
export class Swallow implements Swallowed {
  readonly forwarded: Promise<void>;
  readonly cut: Promise<void>;
  readonly cutAfter: number;
  readonly #match: Matcher;
  readonly #sent = new WeakMap<object, Buffer>();
  readonly #forwarded = deferred();
  readonly #cut = deferred();

  constructor(match: Matcher, cutAfter: number) {
    this.#match = match;
    this.cutAfter = cutAfter;
    this.forwarded = this.#forwarded.promise;
    this.cut = this.#cut.promise;
  }

  /** Whether the connection has now sent what is meant. */
  matches(connection: object, bytes: Buffer): boolean {
    const before = this.#sent.get(connection);
    const sent = before ? Buffer.concat([before, bytes]) : bytes;
    this.#sent.set(connection, sent.subarray(-mostShown));
    return this.#match(sent);
  }

  hasForwarded(): void {
    this.#forwarded.resolve();
  }

  hasCut(): void {
    this.#forwarded.resolve();
    this.#cut.resolve();
  }

  /** Nobody waits for its request any more. */
  forget(): void {
    const message =
      "No request matched before the proxy was healed or closed. Correct the matcher.";
    this.#forwarded.reject(new Error(message));
    this.#cut.reject(new Error(message));
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A rejection that nobody listens to is nobody's. */
function deferred(): Deferred {
  let resolve!: Deferred["resolve"];
  let reject!: Deferred["reject"];
  const promise = new Promise<void>((done, failed) => {
    [resolve, reject] = [done, failed];
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
