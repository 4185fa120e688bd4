import type { Follower } from "./connection.js";

// Numbers of ZooKeeper's protocol: kinds of requests, modes of watches, and of what is told.
const [addWatch, removeWatches] = [106, 18] as const;
const [recursive, any] = [1, 3] as const;
const [notification, made, deleted] = [-1, 1, 2] as const;
/** The number of our requests; the library's own are from 0 on, or -1 to -8. */
const ours = -106;

/** A server's word for what it does not know; it closes the connection then. */
const unimplemented = -6;

/** A folder that is followed. */
export interface Followed {
  /** To be called with the answer to a list that was asked for right after it, and what was ever made there. */
  listed(children: readonly string[], made: number): void;
}

interface Asked extends Followed {
  readonly follower: Follower;
  isAnswered: boolean;
  isAllowed: boolean;
  isTold: boolean;
}

/**
 * Follows folders by persistent recursive watches, which ZooKeeper has from 3.6 on and the library does
 * not know: each node that is made or deleted is told, in order with all answers. Of servers that do
 * not know them, from 3.4.6 on, each says so and closes the connection; older ones do not answer, but
 * what is asked after that.
 */
export class Following {
  readonly #send: (frame: Buffer) => void;
  readonly #unable: () => void;
  readonly #isWatched: (path: string) => boolean;
  readonly #followed = new Map<string, Asked>();
  // The server answers in the order in which it was asked.
  readonly #asked: (Asked | undefined)[] = [];

  constructor(options: {
    readonly send: (frame: Buffer) => void;
    /** Told when the server does not know how. */
    readonly unable: () => void;
    /** Whether the library watches a node, too. */
    readonly isWatched: (path: string) => boolean;
  }) {
    this.#send = options.send;
    this.#unable = options.unable;
    this.#isWatched = options.isWatched;
  }

  begin(folder: string, follower: Follower): Followed {
    const asked: Asked = {
      follower,
      isAnswered: false,
      isAllowed: false,
      isTold: false,
      listed: (children, made) => {
        if (!asked.isAnswered) return this.#unable();
        // It has ended, or the server does not let us.
        if (this.#followed.get(folder) !== asked || !asked.isAllowed) return;
        asked.isTold = true;
        follower.began(children, made);
      },
    };
    this.#followed.set(folder, asked);
    this.#asked.push(asked);
    this.#send(requestOf(addWatch, folder, recursive));
    return asked;
  }

  end(folder: string): void {
    if (!this.#followed.delete(folder)) return;
    this.#asked.push(undefined);
    this.#send(requestOf(removeWatches, folder, any));
  }

  /** Whether a message, with its length before it, is for us alone; else the library is to have it, too. */
  take(frame: Buffer): boolean {
    const number = frame.length < 20 ? 0 : frame.readInt32BE(4);
    if (number === notification) return this.#tell(frame);
    if (number !== ours) return false;
    const asked = this.#asked.shift();
    const error = frame.readInt32BE(16);
    if (error === unimplemented) this.#unable();
    if (asked) Object.assign(asked, { isAnswered: true, isAllowed: error === 0 });
    return true;
  }

  #tell(frame: Buffer): boolean {
    if (this.#followed.size === 0) return false;
    const what = frame.readInt32BE(20);
    const path = frame.toString("utf8", 32);
    const slash = path.lastIndexOf("/");
    const asked = this.#followed.get(path.slice(0, slash));
    if (!asked) return false;
    const child = path.slice(slash + 1);
    // Before the list it is in that, or not any more.
    if (asked.isTold && what === made) asked.follower.made(child);
    if (asked.isTold && what === deleted) asked.follower.deleted(child);
    return !this.#isWatched(path);
  }
}

function requestOf(kind: number, path: string, mode: number): Buffer {
  const length = Buffer.byteLength(path);
  const frame = Buffer.alloc(20 + length);
  frame.writeInt32BE(16 + length, 0);
  frame.writeInt32BE(ours, 4);
  frame.writeInt32BE(kind, 8);
  frame.writeInt32BE(length, 12);
  frame.write(path, 16);
  frame.writeInt32BE(mode, 16 + length);
  return frame;
}
