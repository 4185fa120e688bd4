import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onFrames } from "../src/connection/frames.js";

/** What a server does not know. */
export interface Unknown {
  /** Its number in the protocol. */
  readonly kind: number;
  /** Whether the server says so, and closes the connection, as from 3.4.6 on; else it does not answer. */
  readonly isSaid: boolean;
}

/** A way to a server that reads what clients ask, and what the server says first: the session's id and password. */
export class Relay implements Disposable {
  readonly port: number;
  /** Of each session that was begun by it. */
  readonly sessions: { readonly sessionId: Buffer; readonly sessionPassword: Buffer }[] = [];
  /** What was asked, by its number in the protocol, and where. */
  readonly asked: { readonly kind: number; readonly path: string }[] = [];
  /** What the server is to seem to say that it allows as a session's timeout, in milliseconds. */
  allowed: number | undefined;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  static async start(port: number, unknown?: Unknown): Promise<Relay> {
    const relay = new Relay(port, unknown);
    await new Promise((resolve) => relay.#server.once("listening", resolve));
    return relay;
  }

  private constructor(port: number, unknown: Unknown | undefined) {
    this.#server = createServer((client) => {
      this.#clients.add(client);
      const server = connect({ port, host: "127.0.0.1", noDelay: true });
      server.once("data", (bytes) => {
        if (bytes.readInt32BE(8) <= 0) return;
        const [sessionId, sessionPassword] = [bytes.subarray(12, 20), bytes.subarray(24, 40)];
        this.sessions.push({ sessionId, sessionPassword });
        if (this.allowed !== undefined) bytes.writeInt32BE(this.allowed, 8);
      });
      client.on("error", () => {}).on("close", () => server.destroy());
      server.on("error", () => {}).on("close", () => client.destroy());
      server.pipe(client);
      let isFirst = true;
      onFrames(client, (frame) => {
        const kind = isFirst ? 0 : frame.readInt32BE(8);
        isFirst = false;
        const hasPath = kind > 0 && frame.length > 16;
        const path = hasPath ? frame.toString("utf8", 16, 16 + frame.readInt32BE(12)) : "";
        this.asked.push({ kind, path });
        if (kind === 0 || kind !== unknown?.kind) server.write(frame);
        else if (unknown.isSaid) {
          const answer = Buffer.alloc(20);
          answer.writeInt32BE(16, 0);
          frame.copy(answer, 4, 4, 8);
          answer.writeInt32BE(-6, 16);
          client.end(answer);
        }
      });
    }).listen(0, "127.0.0.1");
    this.port = 0;
    this.#server.once("listening", () =>
      Object.assign(this, { port: (this.#server.address() as AddressInfo).port }),
    );
  }

  /** Breaks the connections there are. */
  break(): void {
    for (const client of this.#clients) client.destroy();
    this.#clients.clear();
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}
