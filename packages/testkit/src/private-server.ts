import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineProcess } from "./process.js";

/** How a server is started. */
export interface PrivateServerOptions {
  readonly command: string;
  readonly args: (place: { readonly port: number; readonly folder: string }) => readonly string[];
  /** What it prints, in a line, once it can be used. */
  readonly ready: string | RegExp;
}

/**
 * A server for tests alone: on a free port of the loopback, with its files in a temporary folder. It
 * can be killed and started again where it was, and is gone, with the folder, when it is disposed.
 */
export class PrivateServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #options: PrivateServerOptions;
  #process: LineProcess | undefined;

  /** Resolves when it is ready; rejects with all that it printed when it ends before. */
  static async start(options: PrivateServerOptions): Promise<PrivateServer> {
    const server = new PrivateServer(await freePort(), options);
    await server.start();
    return server;
  }

  private constructor(port: number, options: PrivateServerOptions) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), "coord-server-"));
    this.#options = options;
  }

  /** The process that runs now, or ran last. */
  get process(): LineProcess {
    if (!this.#process) throw new Error("The server was not started. Start it first.");
    return this.#process;
  }

  /** Starts it again, after `kill()`, with what is in its folder. */
  async start(): Promise<void> {
    const { command, args, ready } = this.#options;
    const [first = "", ...others] = args(this);
    this.#process = LineProcess.start(first, others, { command });
    await this.#process.next(ready);
  }

  /** By SIGKILL; resolves when it is dead. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port of the loopback that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
