import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { onFrames } from "../src/connection/frames.js";

/** A way to a server that reads what clients ask, and what the server says first: the session's id and password. */
export class Relay implements Disposable {
  readonly port: number;
  /** Of each session that was begun by it. */
  readonly sessions: { readonly sessionId: Buffer; readonly sessionPassword: Buffer }[] = [];
  /** What was asked, by its number in the protocol, and where. */
  readonly asked: { readonly kind: number; readonly path: string }[] = [];
  readonly #server: Server;

  /** @param unknown a number that the server does not know, and so does not answer */
  static async start(port: number, unknown?: number): Promise<Relay> {
    const relay = new Relay(port, unknown);
    await new Promise((resolve) => relay.#server.once("listening", resolve));
    return relay;
  }

  private constructor(port: number, unknown: number | undefined) {
    this.#server = createServer((client) => {
      const server = connect({ port, host: "127.0.0.1", noDelay: true });
      server.once("data", (bytes) => {
        if (bytes.readInt32BE(8) <= 0) return;
        const [sessionId, sessionPassword] = [bytes.subarray(12, 20), bytes.subarray(24, 40)];
        this.sessions.push({ sessionId, sessionPassword });
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
        if (kind === 0 || kind !== unknown) server.write(frame);
      });
    }).listen(0, "127.0.0.1");
    this.port = 0;
    this.#server.once("listening", () =>
      Object.assign(this, { port: (this.#server.address() as AddressInfo).port }),
    );
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}
