import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Connection, reset, type RequestCounter, type Traffic } from "./connection.js";
import { Swallow, type Matcher, type Swallowed } from "./swallow.js";
import { Way, type Direction } from "./way.js";

/** Where a proxy leads to, and where it is. */
export interface TcpProxyOptions {
  /** The server's port. */
  readonly port: number;
  /** The server's host. @default "127.0.0.1" */
  readonly host?: string;
  /** The address that clients connect to. @default "127.0.0.1" */
  readonly listenOn?: string;
  /**
   * Makes a counter of requests for each connection. Without one, everything that a client says
   * before the server says something counts as one.
   */
  readonly requests?: () => RequestCounter;
}

/**
 * A way by TCP from clients to a server, which can be made worse and healed while they use it. It
 * carries what both say, byte for byte, and the ends of connections: an end of one direction while
 * the other goes on, a reset as a reset. Who sends faster than the other takes has to wait.
 *
 * Every fault is for all connections, those that are there and those that come, until `heal()`. What
 * is on its way obeys as well: during a stall neither bytes nor ends nor resets get through.
 */
export class TcpProxy implements AsyncDisposable {
  /** Where clients connect to. */
  readonly host: string;
  readonly port: number;
  readonly #listener: Server;
  readonly #options: TcpProxyOptions;
  readonly #ways = { toServer: new Way(), toClient: new Way() };
  readonly #connections = new Set<Connection>();
  readonly #swallows = new Set<Swallow>();
  readonly #attempts: number[] = [];
  #past: Traffic = { bytesToServer: 0, bytesToClient: 0, requests: 0, roundTrips: 0 };
  #cut: Direction | undefined;

  /** Starts one on a free port. */
  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const listener = createServer({ noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject).listen(0, options.listenOn ?? "127.0.0.1", resolve);
    });
    return new TcpProxy(listener, options);
  }

  private constructor(listener: Server, options: TcpProxyOptions) {
    this.#listener = listener.on("connection", (socket) => this.#accept(socket));
    this.#options = options;
    const { address, port } = listener.address() as AddressInfo;
    this.host = address;
    this.port = port;
  }

  /** The URL with this proxy's host and port in place of those it has. */
  through(url: string): string {
    const own = new URL(url);
    // Assigned to a URL of an unknown scheme, a host and a port are not always taken.
    return url.replace(own.host, `${this.host}:${this.port}`);
  }

  /**
   * Breaks all connections by a reset, at once, and each new one as soon as it is made. In one
   * direction: whoever receives in it sees that it has ended, what is sent is thrown away, and the
   * other direction goes on. `cut()` and at once `heal()` breaks connections and lets new ones be.
   */
  cut(direction: Direction = "both"): void {
    this.#cut = direction;
    for (const connection of this.#connections) connection.cut(direction);
  }

  /** Lets nothing through, and loses nothing: connections stay, new ones are accepted and not answered. */
  stall(direction: Direction = "both"): void {
    for (const way of this.#waysOf(direction)) way.stall();
  }

  /** Lets everything through so many milliseconds late, in its order. */
  delay(ms: number, direction: Direction = "both"): void {
    for (const way of this.#waysOf(direction)) way.delay(ms);
  }

  /** Lets so many bytes through in a second, of all connections together. */
  throttle(bytesPerSecond: number, direction: Direction = "both"): void {
    for (const way of this.#waysOf(direction)) way.throttle(bytesPerSecond);
  }

  /**
   * Has the answer to one request get lost, and the connection with it: when a connection has sent
   * what `match` is true of, that goes on to the server, whole, as does what is sent after it, and
   * nothing comes back by this connection any more; `cutAfter` milliseconds later it is reset. Others
   * are as before, and new ones too.
   *
   * A request may come in parts, and several in one. So `match` is shown all that a connection has
   * sent since this call, up to the last MiB of it, anew with each part that comes, before that goes
   * on: it looks anywhere in there for the request. The beginning may be in the middle of another.
   * Protocols that name what they do only once for each connection (a prepared statement, a table of
   * headers) have to be recognised by what they send every time.
   */
  swallow(match: Matcher, { cutAfter = 200 }: { cutAfter?: number } = {}): Swallowed {
    const swallow = new Swallow(match, cutAfter);
    this.#swallows.add(swallow);
    return swallow;
  }

  /** Everything passes again. Connections that were broken stay so; requests still waited for are not any more. */
  heal(): void {
    this.#cut = undefined;
    for (const swallow of this.#swallows) swallow.forget();
    this.#swallows.clear();
    for (const way of this.#waysOf("both")) way.heal();
  }

  /** What went through since the start, by all connections. What was lost on the way is not in it. */
  get traffic(): Traffic {
    return [...this.#connections].reduce((sum, { traffic }) => add(sum, traffic), this.#past);
  }

  /** What went through each of the connections that are open now. */
  get connections(): readonly Traffic[] {
    return [...this.#connections].map(({ traffic }) => ({ ...traffic }));
  }

  /** When somebody connected, were it to be refused: instants of `performance.now()`. */
  get attempts(): readonly number[] {
    return [...this.#attempts];
  }

  /** Breaks everything, and resolves when nothing is left. Doing so twice changes nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.heal();
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    await Promise.all([closed, ...[...this.#connections].map((connection) => connection.closed)]);
  }

  #accept(socket: Socket): void {
    this.#attempts.push(performance.now());
    if (this.#cut === "both") {
      socket.on("error", () => {});
      return reset(socket);
    }
    const { host = "127.0.0.1", port, requests } = this.#options;
    const connection = new Connection(socket, {
      ways: this.#ways,
      server: { host, port },
      counter: () => requests?.(),
      swallows: this.#swallows,
    });
    this.#connections.add(connection);
    if (this.#cut) connection.cut(this.#cut);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      this.#past = add(this.#past, connection.traffic);
    });
  }

  #waysOf(direction: Direction): Way[] {
    const { toServer, toClient } = this.#ways;
    return direction === "both" ? [toServer, toClient] : [this.#ways[direction]];
  }
}

function add(one: Traffic, other: Traffic): Traffic {
  return {
    bytesToServer: one.bytesToServer + other.bytesToServer,
    bytesToClient: one.bytesToClient + other.bytesToClient,
    requests: one.requests + other.requests,
    roundTrips: one.roundTrips + other.roundTrips,
  };
}
