/**
 * The toy's connection: what a client library is for other drivers. It is one socket; it gives every
 * call a deadline, takes a server that does not keep one for gone, and says when it breaks. It asks
 * nothing twice: only the driver knows what to ask again.
 */
import { connect, type Socket } from "node:net";
import { CoordError, onAbort, type Clock } from "@coord/core/driver";
import { onLines, type Operation, type Operations, type Push, type Reply } from "./wire.js";

interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** The id of the session that asks. */
  readonly session: string;
  /** Which of the session's connections it is: 1, 2, ... */
  readonly number: number;
  readonly clock: Clock;
  /** How long an answer may take, connecting included, in milliseconds. */
  readonly within: number;
  hear(push: Push): void;
  lost(error: unknown): void;
}

interface Call {
  /** Takes back its deadline. */
  readonly stop: () => void;
  resolve(answer: Reply["answer"]): void;
  reject(error: unknown): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #failure: Error | undefined;

  /** Begins to connect; what is asked before it is connected is sent then. */
  constructor(options: ConnectionOptions) {
    const { host, port } = options;
    this.#options = options;
    // Core keeps the process running while somebody holds or waits; a socket must not.
    this.#socket = connect({ host, port, noDelay: true }).unref();
    // "close" follows. An "error" without a listener would end the process.
    this.#socket.on("error", (error) => (this.#failure = error));
    this.#socket.once("close", () => this.#lost());
    onLines(this.#socket, (line) => this.#hear(JSON.parse(line)));
  }

  /**
   * Asks, now or not at all. Undefined: the server does not have the session. Rejects COORD_UNAVAILABLE
   * when the connection breaks before the answer: what was asked may be done. With a signal the answer
   * may take as long as it takes.
   */
  call<Op extends Operation>(
    op: Op,
    ask: Operations[Op]["ask"],
    signal?: AbortSignal,
  ): Promise<Operations[Op]["answer"] | undefined> {
    return new Promise((resolve, reject) => {
      const { session, number: socket, clock, within } = this.#options;
      const id = (this.#lastId += 1);
      const deadline = signal ? undefined : clock.timer(within, () => this.close());
      const stop = signal
        ? onAbort(signal, () => this.#take(id)?.reject(signal.reason))
        : () => deadline?.cancel();
      this.#calls.set(id, { stop, resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, session, socket, op, ask })}\n`);
    });
  }

  /** Whoever waits for an answer is rejected. */
  close(): void {
    this.#socket.destroy();
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

  #lost(): void {
    this.#options.lost(this.#failure);
    for (const id of this.#calls.keys()) {
      this.#take(id)?.reject(noAnswer(this.#options, this.#failure));
    }
  }
}

/** The error for who gets no answer. */
export function noAnswer(
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): CoordError {
  const message = `The toy's server at ${host}:${port} does not answer. See whether it runs.`;
  return new CoordError("COORD_UNAVAILABLE", message, { cause });
}
