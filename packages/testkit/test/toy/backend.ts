import { LineProcess } from "@coord/testkit";
import type { Order } from "./server.js";

const program = new URL("./dist/server.js", import.meta.url).pathname;

/** The toy's server in a process of its own, and what tests can do to it. */
export class Backend implements AsyncDisposable {
  readonly port: number;
  readonly process: LineProcess;

  /** Starts one, on a free port or on that of one that has ended; with what that one left in a file. */
  static async start(port = 0, data?: string): Promise<Backend> {
    const process = LineProcess.start(program, [String(port), ...(data ? [data] : [])]);
    const line = await process.next("listening ");
    return new Backend(process, Number(line.replace("listening ", "")));
  }

  private constructor(process: LineProcess, port: number) {
    this.process = process;
    this.port = port;
  }

  /** A URL of a space that nobody uses yet. */
  url(): string {
    return `toy://127.0.0.1:${this.port}/${crypto.randomUUID()}`;
  }

  /** Resolves when it is done. */
  async order(order: Order): Promise<void> {
    this.process.send(JSON.stringify(order));
    await this.process.next("done");
  }

  /** Kills it; what it knew then is in the file. */
  async die(file: string): Promise<void> {
    this.process.send(JSON.stringify({ die: file } satisfies Order));
    await this.process.exited;
  }

  async revoke(url: string, name: string): Promise<void> {
    await this.order({ revoke: [new URL(url).pathname, name] });
  }

  /** Kills it, with all that it knows. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}
