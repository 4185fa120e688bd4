import { rmSync } from "node:fs";
import { join } from "node:path";
import { PrivateServer } from "@coord/testkit/tools";
import { Redis } from "ioredis";

const durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/** A Redis server of a test's own, which keeps what it has when it is killed. */
export class RedisServer implements AsyncDisposable {
  readonly #server: PrivateServer;
  #client: Redis | undefined;

  /** With `tls` it speaks nothing else. */
  static async start(
    settings: readonly string[] = [],
    { tls = false }: { tls?: boolean } = {},
  ): Promise<RedisServer> {
    const server = await PrivateServer.start({
      command: "redis-server",
      args: ({ port, folder }) => [
        "--port",
        ...(tls ? ["0", "--tls-port", String(port)] : [String(port)]),
        ...durable,
        "--dir",
        folder,
        ...settings,
      ],
      ready: /Ready to accept connections/,
    });
    return new RedisServer(server);
  }

  private constructor(server: PrivateServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  /** A URL with a namespace that nobody uses yet. */
  url(options = ""): string {
    return `redis://127.0.0.1:${this.port}?namespace=${crypto.randomUUID()}${options}`;
  }

  /** A client that is no coordinator. */
  get client(): Redis {
    this.#client ??= new Redis({ port: this.port, replyMapping: "legacy" });
    return this.#client;
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Starts it again, with the data it had when it was killed, or without. */
  async restart({ data = true }: { data?: boolean } = {}): Promise<void> {
    const files = join(this.#server.folder, "appendonlydir");
    if (!data) rmSync(files, { recursive: true, force: true });
    await this.#server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.disconnect();
    await this.#server[Symbol.asyncDispose]();
  }
}
