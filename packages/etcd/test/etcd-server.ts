import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PrivateServer } from "@coord/testkit/tools";
import { noop } from "cockatiel";
import { Etcd3 } from "etcd3";

const peer = "http://127.0.0.1:0";

/** An etcd of a test's own, one member alone, which keeps what it has when it is killed. */
export class EtcdServer implements AsyncDisposable {
  readonly #server: PrivateServer;
  #client: Etcd3 | undefined;

  static async start(
    settings: Readonly<Record<string, string>> = {},
    { scheme = "http" }: { scheme?: "http" | "https" } = {},
  ): Promise<EtcdServer> {
    const server = await PrivateServer.start({
      command: "etcd",
      args: ({ port, folder }) => {
        const client = `${scheme}://127.0.0.1:${port}`;
        const all = {
          "data-dir": join(folder, "data"),
          // So that leases can be a second long; by default etcd takes nothing below two.
          "heartbeat-interval": 50,
          "election-timeout": 500,
          logger: "zap",
          "log-outputs": "stdout",
          "listen-client-urls": client,
          "advertise-client-urls": client,
          "listen-peer-urls": peer,
          "initial-advertise-peer-urls": peer,
          "initial-cluster": `default=${peer}`,
          ...settings,
        };
        return Object.entries(all).map(([name, value]) => `--${name}=${value}`);
      },
      ready: /serving client traffic/,
    });
    return new EtcdServer(server);
  }

  private constructor(server: PrivateServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  /** A URL with a namespace that nobody uses yet. */
  url(options = ""): string {
    return `etcd://127.0.0.1:${this.port}?namespace=${crypto.randomUUID()}${options}`;
  }

  /** A client that is no coordinator. */
  get client(): Etcd3 {
    this.#client ??= new Etcd3({
      hosts: `127.0.0.1:${this.port}`,
      faultHandling: { host: () => noop, global: noop },
    });
    return this.#client;
  }

  /** What an administrator says to it. */
  ctl(...args: string[]): string {
    const endpoint = `--endpoints=127.0.0.1:${this.port}`;
    const env = { ...process.env, ETCDCTL_API: "3" };
    return execFileSync("etcdctl", [endpoint, ...args], { env, stdio: "pipe", encoding: "utf8" });
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Starts it again, with the data it had when it was killed, or without. */
  async restart({ data = true }: { data?: boolean } = {}): Promise<void> {
    if (!data) rmSync(this.#data, { recursive: true, force: true });
    await this.#server.start();
  }

  /** While it is dead: keeps what it has, to be what it has after `rollBack()`. */
  keep(): void {
    cpSync(this.#data, this.#kept, { recursive: true });
  }

  /** While it is dead: what it had when that was kept is all that it has. */
  rollBack(): void {
    rmSync(this.#data, { recursive: true });
    cpSync(this.#kept, this.#data, { recursive: true });
  }

  get #data(): string {
    return join(this.#server.folder, "data");
  }

  get #kept(): string {
    return join(this.#server.folder, "kept");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.close();
    await this.#server[Symbol.asyncDispose]();
  }
}
