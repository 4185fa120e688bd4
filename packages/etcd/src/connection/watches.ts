import type {
  IDuplexStream,
  IKeyValue,
  IWatchCreateRequest,
  IWatchRequest,
  IWatchResponse,
} from "etcd3";

type Stream = IDuplexStream<IWatchRequest, IWatchResponse>;

/** What is said of keys that are watched. */
export interface WatchListener {
  /** What happens after this revision is told: what is read after this is the beginning. */
  confirmed?(at: string): void;
  changed(how: "Put" | "Delete", what: IKeyValue): void;
  /** The server watches it no longer: what was to be seen from there on is compacted, for one. */
  ended(): void;
}

interface Watch {
  readonly listener: WatchListener;
  readonly askedAt: number;
  id: string | undefined;
  isOver: boolean;
}

/** All that is watched by one connection: one stream, which is there while anything is watched. */
export class Watches {
  readonly #open: () => Promise<Stream>;
  readonly #now: () => number;
  readonly #lost: (error: unknown) => void;
  #stream: Promise<Stream> | undefined;
  // The server confirms in the order in which it was asked.
  #asked: Watch[] = [];
  readonly #confirmed = new Map<string, Watch>();

  constructor(open: () => Promise<Stream>, now: () => number, lost: (error: unknown) => void) {
    this.#open = open;
    this.#now = now;
    this.#lost = lost;
  }

  /**
   * Watches a key, or a range of keys. Without `start_revision`, from when it is confirmed, and what
   * happens then is told at once; with one that is past, what came since is told late, by some 100 ms.
   * The function it gives ends it.
   */
  watch(request: IWatchCreateRequest, listener: WatchListener): () => void {
    const watch: Watch = { listener, askedAt: this.#now(), id: undefined, isOver: false };
    this.#asked.push(watch);
    this.#send({ create_request: request });
    return () => {
      if (watch.isOver) return;
      watch.isOver = true;
      if (watch.id !== undefined) this.#cancel(watch.id);
    };
  }

  /** For how many milliseconds somebody has been waiting for a confirmation. */
  get overdue(): number {
    const [first] = this.#asked;
    return first ? this.#now() - first.askedAt : 0;
  }

  /** Ends the stream if nothing is watched: while it is there, it keeps the process running. */
  rest(): void {
    if (this.#asked.length > 0 || this.#confirmed.size > 0) return;
    this.close();
  }

  /** Ends the stream, and all that is watched by it. Who listens is told, and watches by another one. */
  renew(): void {
    const watches = [...this.#asked, ...this.#confirmed.values()].filter(({ isOver }) => !isOver);
    this.close();
    for (const { listener } of watches) listener.ended();
  }

  close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    // The next stream counts anew: who ends one of these then must not end another.
    for (const watch of [...this.#asked, ...this.#confirmed.values()]) watch.isOver = true;
    this.#asked = [];
    this.#confirmed.clear();
    stream?.then((open) => open.cancel()).catch(() => {});
  }

  #cancel(id: string): void {
    if (!this.#confirmed.delete(id)) return;
    this.#send({ cancel_request: { watch_id: id } });
  }

  #send(request: IWatchRequest): void {
    this.#stream ??= this.#begin();
    this.#stream.then((stream) => stream.write(request)).catch(() => {});
  }

  #begin(): Promise<Stream> {
    const opened = this.#open().then((stream) => {
      const broke = (error: unknown): void => {
        if (this.#stream === opened) this.#lost(error);
      };
      return stream
        .on("data", (response) => {
          if (this.#stream === opened) this.#hear(response);
        })
        .on("error", broke)
        .on("end", () => broke(new Error("etcd ended the stream of what is watched.")));
    });
    opened.catch((error: unknown) => this.#lost(error));
    return opened;
  }

  #hear({ header, watch_id: id, created, canceled, events }: IWatchResponse): void {
    const watch = created ? this.#asked.shift() : this.#confirmed.get(id);
    // Of one that was ended here meanwhile.
    if (!watch) return;
    // It has the token that the stream began with, so others would be refused, too. The id is none.
    if (created && canceled) this.#lost(new Error("etcd refused to watch a key."));
    else if (canceled) this.#confirmed.delete(id);
    if (canceled) {
      // With a connection that was given up by that, all that it was to tell is asked for by the next.
      if (!watch.isOver && this.#stream) watch.listener.ended();
      watch.isOver = true;
      return;
    }
    if (created) {
      watch.id = id;
      this.#confirmed.set(id, watch);
      if (watch.isOver) this.#cancel(id);
      else watch.listener.confirmed?.(header.revision);
    }
    for (const { type, kv } of events) if (!watch.isOver) watch.listener.changed(type, kv);
  }
}
