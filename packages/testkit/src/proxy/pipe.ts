import type { Socket } from "node:net";
import type { Way } from "./way.js";

/** How many bytes may be on their way in one direction of a connection before its sender has to wait. */
const mostOnTheWay = 256 * 1024;

/** What goes through a pipe, with the instant at which it came. */
type Item = { readonly since: number } & (
  | { readonly bytes: Buffer }
  /** The sender says that nothing comes any more, or that the connection is broken. */
  | { readonly end: "end" | "reset" }
);

/** What a pipe tells its connection. */
export interface PipeEvents {
  /** Bytes have come; before any of them goes on. */
  came?(bytes: Buffer): void;
  /** Bytes are about to go on; whether they may. What may not is thrown away. */
  passes(bytes: Buffer): boolean;
  /** The sender's reset has arrived at the other end. */
  reset(): void;
}

/**
 * One direction of a connection: carries bytes, the end and a reset from one socket to the other, in
 * their order, as fast as the way lets them and as the receiver takes them.
 */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #way: Way;
  readonly #events: PipeEvents;
  readonly #items: Item[] = [];
  #onTheWay = 0;
  #running = false;
  #over = false;

  constructor(from: Socket, to: Socket, way: Way, events: PipeEvents) {
    this.#from = from;
    this.#to = to;
    this.#way = way;
    this.#events = events;
    from.on("data", (bytes: Buffer) => {
      // It goes on being read, so that whoever sends does not notice.
      if (this.#over) return;
      events.came?.(bytes);
      this.#onTheWay += bytes.length;
      if (this.#onTheWay > mostOnTheWay) from.pause();
      this.#take({ bytes, since: performance.now() });
    });
    from.once("end", () => this.#take({ end: "end", since: performance.now() }));
    from.once("close", (failed: boolean) => {
      if (failed) this.#take({ end: "reset", since: performance.now() });
    });
    to.once("close", () => this.stop());
  }

  /** Nothing goes on any more; what comes is thrown away. */
  stop(): void {
    this.#over = true;
    this.#items.length = 0;
    this.#way.wake();
    this.#from.resume();
  }

  #take(item: Item): void {
    if (this.#over) return;
    this.#items.push(item);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let item = this.#items.shift(); item; item = this.#items.shift()) {
      if ("bytes" in item) await this.#carry(item.bytes, item.since);
      else await this.#finish(item.end, item.since);
    }
    this.#running = false;
  }

  async #carry(bytes: Buffer, since: number): Promise<void> {
    for (let sent = 0; sent < bytes.length && !this.#over;) {
      const piece = bytes.subarray(sent, sent + this.#way.pieces);
      await this.#way.pass(piece.length, since, () => this.#over);
      if (this.#over) return;
      if (this.#events.passes(piece) && !this.#to.write(piece)) await this.#drained();
      sent += piece.length;
    }
    this.#onTheWay -= bytes.length;
    if (this.#onTheWay <= mostOnTheWay / 2) this.#from.resume();
  }

  async #finish(end: "end" | "reset", since: number): Promise<void> {
    await this.#way.pass(0, since, () => this.#over);
    if (this.#over) return;
    if (end === "end") this.#to.end();
    else this.#events.reset();
  }

  /** Resolves when the receiver takes more, or never will. */
  #drained(): Promise<void> {
    if (this.#over || !this.#to.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#to.off("drain", done).off("close", done);
        resolve();
      };
      this.#to.on("drain", done).on("close", done);
    });
  }
}
