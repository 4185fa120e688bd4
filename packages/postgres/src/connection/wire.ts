import { Socket } from "node:net";
import { CoordError, onAbort, type Clock } from "@coord/core/driver";
import { Client } from "pg";
import { Request, type Call, type Rows } from "./request.js";

/** How many bytes the empty buffer of any socket takes at once. */
const surelyFits = 2_000;

/** Where a server is, who we are to it, and whether to speak TLS. */
export interface Target {
  /** A name, an address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Asked for only if the server wants it; throws where there is none. */
  readonly password: () => Promise<string>;
  readonly tls: object | false;
}

/** How a connection is made, and who hears of it. */
export interface WireOptions {
  readonly clock: Clock;
  /** How long connecting may take, in milliseconds, and then again what comes first. */
  readonly within: number;
  /** Ends opening. */
  readonly signal: AbortSignal;
  /** What others see in pg_stat_activity. */
  readonly application: string;
  /** What comes first; throws where the connection is not to be used. */
  readonly greet: (wire: Wire) => Promise<void>;
  readonly hear?: (message: string) => void;
  /** An open connection broke. Told once; not after `destroy()` or `end()`. */
  readonly lost: (error: Error) => void;
}

/** One connection. What is asked goes out at once, and is answered in order. */
export class Wire {
  readonly #client: Client;
  readonly #socket = new Socket();
  readonly #options: WireOptions;
  readonly #closed: Promise<void>;
  // pg itself says nothing more once it was told to end.
  readonly #broken: Promise<never>;
  #reject!: (error: Error) => void;
  // How many requests are not answered yet.
  #pending = 0;
  #isOpen = false;
  #isOver = false;
  #failure: Error | undefined;

  /** Connects and greets; rejects COORD_UNAVAILABLE where the server does not answer in time. */
  static async open(target: Target, options: WireOptions): Promise<Wire> {
    const { clock, within, signal, greet } = options;
    signal.throwIfAborted();
    const wire = new Wire(target, options);
    const unlisten = onAbort(signal, () => wire.#break(silent()));
    let timer = clock.timer(within, () => wire.#break(silent()));
    try {
      await Promise.race([wire.#client.connect(), wire.#broken]);
      // Core keeps the process running while somebody holds or waits.
      (wire.#client as unknown as { unref(): void }).unref();
      timer.cancel();
      timer = clock.timer(within, () => wire.#break(silent()));
      await Promise.race([greet(wire), wire.#broken]);
      if (wire.#isOver) throw silent();
      wire.#isOpen = true;
      return wire;
    } catch (error) {
      wire.destroy();
      throw wire.#failure ?? error;
    } finally {
      timer.cancel();
      unlisten();
    }
  }

  private constructor({ tls, ...target }: Target, options: WireOptions) {
    this.#options = options;
    this.#client = new Client({
      ...target,
      // TLS may be asked for by variables that pg reads itself.
      ssl: tls,
      stream: this.#socket as never,
      pipeline: true,
      application_name: options.application,
    });
    this.#broken = new Promise((_, reject) => (this.#reject = reject));
    this.#broken.catch(() => {});
    this.#closed = new Promise((resolve) => this.#client.once("end", resolve));
    this.#client.on("error", (error) => this.#break(error));
    this.#client.once("end", () => this.#break(new Error("The server closed the connection.")));
    const { hear } = options;
    if (hear) this.#client.on("notification", ({ payload = "" }) => hear(payload));
  }

  /** The process of the server that serves it, as it was said at the beginning: by a pooler, a number of its own. */
  get backend(): number {
    return (this.#client as unknown as { processID: number }).processID;
  }

  /** Rejects with what the server says against it, or when the connection ends before the answer. */
  run(text: string): Promise<Rows> {
    return this.#ask(text);
  }

  /**
   * The same for a prepared statement. Where the server waits for the rest of a request it ends a session
   * that says nothing in time only if that is one message of the simple protocol. What is quicker for it
   * are three of the extended one, which are sent where nothing else is under way and they are short: then
   * they fit into the empty buffer of the socket, so that no part of them can be missing.
   */
  call(call: Call): Promise<Rows> {
    const args = call.args.map(quoted).join();
    const fits = this.#pending === 0 && args.length < surelyFits;
    return this.#ask(fits ? call : `EXECUTE ${call.statement}(${args})`);
  }

  #ask(what: string | Call): Promise<Rows> {
    this.#pending += 1;
    return new Promise((resolve, reject) => {
      this.#client.query(
        new Request(what, (error, rows) => {
          this.#pending -= 1;
          if (!error) return resolve(rows);
          // The server's last word: what comes after it is not about this request.
          if (severityOf(error) === "FATAL") this.#break(error);
          reject(error);
        }) as never,
      );
    });
  }

  /** Says good-bye, when all that was asked is answered; resolves when the server has closed it. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#client.end().catch(() => {});
    await this.#closed;
  }

  /** Ends it at once. */
  destroy(): void {
    this.#isOver = true;
    this.#client.end().catch(() => {});
    this.#socket.destroy();
  }

  #break(error: Error): void {
    this.#failure ??= error;
    if (this.#isOver) return;
    this.destroy();
    this.#reject(error);
    if (this.#isOpen) this.#options.lost(error);
  }
}

/** A constant of any type. */
function quoted(argument: string): string {
  return `'${argument}'`;
}

function silent(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "PostgreSQL does not answer. See whether the server runs and can be reached.",
  );
}

/** What the server calls a kind of error: five characters, or empty where it is not the server's. */
export function sqlStateOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : "";
}

function severityOf(error: unknown): unknown {
  return (error as { severity?: unknown }).severity;
}
