import { connect, createServer, type AddressInfo, type Server } from "node:net";

/** A way to a server that reads what the server says first: the session's id and password. */
export class Relay implements Disposable {
  readonly port: number;
  /** Of each session that was begun by it. */
  readonly sessions: { readonly sessionId: Buffer; readonly sessionPassword: Buffer }[] = [];
  readonly #server: Server;

  static async start(port: number): Promise<Relay> {
    const relay = new Relay(port);
    await new Promise((resolve) => relay.#server.once("listening", resolve));
    return relay;
  }

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect({ port, host: "127.0.0.1", noDelay: true });
      server.once("data", (bytes) => {
        if (bytes.readInt32BE(8) <= 0) return;
        const [sessionId, sessionPassword] = [bytes.subarray(12, 20), bytes.subarray(24, 40)];
        this.sessions.push({ sessionId, sessionPassword });
      });
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on("error", () => {}).on("close", () => to.destroy());
        from.pipe(to);
      }
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
