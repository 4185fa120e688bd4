import { connect, type Socket } from "node:net";
import { Pipe } from "./pipe.js";
import type { Swallow } from "./swallow.js";
import type { Direction, Way } from "./way.js";

/** What went through a proxy, in all or by one connection. */
export interface Traffic {
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  /**
   * Requests, by the proxy's own counter of them; without one, times that the client spoke first or
   * after the server did.
   */
  readonly requests: number;
  /** Times that the server spoke after the client did: several requests at once may be one. */
  readonly roundTrips: number;
}

/** Given what one connection sends, part after part, says how many requests begin in each. */
export type RequestCounter = (bytes: Buffer) => number;

/** What a connection needs of its proxy. */
export interface ConnectionHost {
  readonly ways: { readonly toServer: Way; readonly toClient: Way };
  readonly server: { readonly host: string; readonly port: number };
  /** A counter for a new connection. */
  counter(): RequestCounter | undefined;
  /** Those whose request has not come yet. */
  readonly swallows: Set<Swallow>;
}

/** A client's connection through the proxy, and the one to the server that belongs to it. */
export class Connection {
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>;
  readonly traffic = { bytesToServer: 0, bytesToClient: 0, requests: 0, roundTrips: 0 };
  readonly #host: ConnectionHost;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pipes: { readonly toServer: Pipe; readonly toClient: Pipe };
  readonly #count: RequestCounter | undefined;
  #speaker: "client" | "server" | undefined;
  #came = 0;
  #swallowed: { readonly swallow: Swallow; readonly upTo: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Socket, host: ConnectionHost) {
    this.#host = host;
    this.#client = client;
    this.#count = host.counter();
    this.#server = connect({ ...host.server, noDelay: true, allowHalfOpen: true });
    const sockets = [client, this.#server];
    // "close" follows, which the pipes hear. An "error" without a listener would end the process.
    for (const socket of sockets) socket.on("error", () => {});
    this.#pipes = {
      toServer: new Pipe(client, this.#server, host.ways.toServer, {
        came: (bytes) => this.#look(bytes),
        passes: (bytes) => this.#toServer(bytes),
        reset: () => this.cut(),
      }),
      toClient: new Pipe(this.#server, client, host.ways.toClient, {
        passes: (bytes) => this.#toClient(bytes),
        reset: () => this.cut(),
      }),
    };
    const ends = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    this.closed = Promise.all(ends).then(() => {
      clearTimeout(this.#timer);
      this.#swallowed?.swallow.hasCut();
    });
  }

  /** Resets both ends at once, or ends one direction of it: see `TcpProxy.cut()`. */
  cut(direction: Direction = "both"): void {
    if (direction === "both") {
      for (const socket of [this.#client, this.#server]) reset(socket);
      return;
    }
    this.#pipes[direction].stop();
    (direction === "toServer" ? this.#server : this.#client).end();
  }

  #look(bytes: Buffer): void {
    this.#came += bytes.length;
    if (this.#swallowed) return;
    for (const swallow of this.#host.swallows) {
      if (!swallow.matches(this, bytes)) continue;
      this.#host.swallows.delete(swallow);
      this.#swallowed = { swallow, upTo: this.#came };
      return;
    }
  }

  #toServer(bytes: Buffer): boolean {
    const begins = this.#speaker !== "client";
    this.#speaker = "client";
    this.traffic.bytesToServer += bytes.length;
    this.traffic.requests += this.#count?.(bytes) ?? Number(begins);
    const { swallow, upTo = Infinity } = this.#swallowed ?? {};
    if (swallow && this.traffic.bytesToServer >= upTo && !this.#timer) {
      this.#timer = setTimeout(() => this.cut(), swallow.cutAfter);
      setImmediate(() => swallow.hasForwarded());
    }
    return true;
  }

  #toClient(bytes: Buffer): boolean {
    if (this.#swallowed) return false;
    if (this.#speaker === "client") this.traffic.roundTrips += 1;
    this.#speaker = "server";
    this.traffic.bytesToClient += bytes.length;
    return true;
  }
}

/** Closes a socket by a reset, not by an end, whatever waits to be sent. */
export function reset(socket: Socket): void {
  // What was ended cannot be reset: libuv refuses that, and Node would never close it.
  if (!socket.writableEnded) socket.resetAndDestroy();
  // By itself it would wait until all is sent, which may be never.
  socket.destroy();
}
