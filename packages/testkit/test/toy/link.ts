/**
 * The toy's connection: what a client library is for other drivers. It has one socket at a time and
 * opens another when that breaks, and says so; it gives every call a deadline, and takes a server that
 * does not keep one for gone. It asks nothing twice: only the driver knows what to ask again.
 */
import { connect, type Socket } from "node:net";
import { CoordError, onAbort, type Clock, type Timer } from "@coord/core/driver";
import { onLines, type Operation, type Operations, type Push, type Reply } from "./wire.js";

/** How long to wait before another socket is tried, in milliseconds. */
const retryAfter = 50;

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  /** The id of the session that asks. */
  readonly session: string;
  readonly clock: Clock;
  /** How long an answer may take, connecting included, in milliseconds. */
  readonly within: number;
  /** Says what comes first on every socket. */
  greet(): Promise<void>;
  hear(push: Push): void;
  state(state: "connected" | "suspended"): void;
}

interface Call {
  /** Takes back its deadline. */
  readonly stop: () => void;
  resolve(answer: Reply["answer"]): void;
  reject(error: unknown): void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #calls = new Map<number, Call>();
  readonly #waiting = new Set<() => void>();
  #socket: Socket | undefined;
  #sockets = 0;
  #lastId = 0;
  #isReady = false;
  #isClosed = false;
  #retry: Timer | undefined;
  #failure: Error | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Tries once to connect and to be greeted; rejects COORD_UNAVAILABLE. */
  async open(): Promise<void> {
    const { host, port } = this.#options;
    // Core keeps the process running while somebody holds or waits; a socket must not.
    const socket = connect({ host, port, noDelay: true }).unref();
    // "close" follows. An "error" without a listener would end the process.
    socket.on("error", (error) => (this.#failure = error));
    socket.once("close", () => this.#lost());
    onLines(socket, (line) => this.#hear(JSON.parse(line)));
    this.#socket = socket;
    this.#sockets += 1;
    await this.#options.greet();
    this.#isReady = true;
    for (const settle of this.#waiting) settle();
  }

  /** Waits until a socket was greeted, as long as an answer may take; rejects COORD_UNAVAILABLE. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stop();
        this.#waiting.delete(settle);
        if (this.#isReady) resolve();
        else reject(this.#unavailable());
      };
      const stop = this.#timer(settle);
      this.#waiting.add(settle);
      if (this.#isReady || this.#isClosed) settle();
    });
  }

  /**
   * Asks, now or not at all. Undefined: the server does not have the session. Rejects COORD_UNAVAILABLE
   * when there is no socket, and when none is any more before the answer: what was asked may be done.
   * With a signal the answer may take as long as it takes.
   */
  call<Op extends Operation>(
    op: Op,
    ask: Operations[Op]["ask"],
    signal?: AbortSignal,
  ): Promise<Operations[Op]["answer"] | undefined> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (!socket || this.#isClosed) return reject(this.#unavailable());
      const id = (this.#lastId += 1);
      const stop = signal
        ? onAbort(signal, () => this.#take(id)?.reject(signal.reason))
        : this.#timer(() => socket.destroy());
      this.#calls.set(id, { stop, resolve, reject });
      const { session } = this.#options;
      socket.write(`${JSON.stringify({ id, session, socket: this.#sockets, op, ask })}\n`);
    });
  }

  /** Ends it for good: whoever waits for something is rejected. */
  close(): void {
    this.#isClosed = true;
    this.#isReady = false;
    this.#retry?.cancel();
    this.#socket?.destroy();
    for (const settle of this.#waiting) settle();
  }

  #hear(message: Push | Reply): void {
    if ("id" in message) this.#take(message.id)?.resolve(message.answer);
    else this.#options.hear(message);
  }

  /** A call that was not settled yet; whoever has it settles it. */
  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.stop();
    return call;
  }

  #timer(callback: () => void): () => void {
    const timer = this.#options.clock.timer(this.#options.within, callback);
    return () => timer.cancel();
  }

  #lost(): void {
    this.#socket = undefined;
    for (const id of this.#calls.keys()) this.#take(id)?.reject(this.#unavailable());
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#options.state("suspended");
    this.#reopen();
  }

  #reopen(): void {
    this.open().then(
      () => this.#options.state("connected"),
      () => {
        if (this.#isClosed) return;
        this.#retry = this.#options.clock.timer(retryAfter, () => this.#reopen());
      },
    );
  }

  #unavailable(): CoordError {
    const { host, port } = this.#options;
    const message = `The toy's server at ${host}:${port} does not answer. See whether it runs.`;
    return new CoordError("COORD_UNAVAILABLE", message, { cause: this.#failure });
  }
}
