import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { TcpProxy, type TcpProxyOptions } from "@coord/testkit";

/** A real server that says again what it is told, and a proxy before it; gone when the test ends. */
export async function echo(options: Partial<TcpProxyOptions> = {}): Promise<{
  proxy: TcpProxy;
  server: EchoServer;
}> {
  const server = new EchoServer();
  await server.listen();
  const proxy = await TcpProxy.start({ port: server.port, ...options });
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    await server.close();
  });
  return { proxy, server };
}

/** Hears everything that its clients say. */
export class EchoServer {
  /** What each connection said, in the order in which they came. */
  readonly heard: Buffer[][] = [];
  readonly sockets: Socket[] = [];
  /** How each connection ended: "end" is an end, "close" a socket that is gone, "ECONNRESET" a reset. */
  readonly ends: string[] = [];
  readonly #server: Server;
  /** Whether it answers. */
  silent = false;

  constructor() {
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const heard: Buffer[] = [];
      this.heard.push(heard);
      this.sockets.push(socket);
      socket.on("error", (error: NodeJS.ErrnoException) => this.ends.push(error.code ?? "error"));
      socket.on("data", (bytes: Buffer) => {
        heard.push(bytes);
        if (this.silent || socket.write(bytes)) return;
        socket.pause();
        socket.once("drain", () => socket.resume());
      });
      socket.once("end", () => {
        this.ends.push("end");
        socket.end();
      });
      socket.once("close", () => this.ends.push("close"));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All that a connection said so far. */
  text(index = 0): string {
    return Buffer.concat(this.heard[index] ?? []).toString();
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A client that remembers what it was told. */
export class Client {
  readonly socket: Socket;
  /** "end" or the code of an error, once it has ended. */
  readonly ended: Promise<string>;
  #heard = "";

  static async connect(port: number): Promise<Client> {
    const client = new Client(port);
    await once(client.socket, "connect");
    return client;
  }

  /** How a connection ends that may be broken before it is made. */
  static attempt(port: number): Promise<string> {
    return new Client(port).ended;
  }

  private constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.setEncoding("latin1").on("data", (text: string) => (this.#heard += text));
    this.ended = new Promise((resolve) => {
      this.socket.once("end", () => resolve("end"));
      this.socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
      this.socket.once("close", () => resolve("close"));
    });
    onTestFinished(() => void this.socket.destroy());
  }

  get heard(): string {
    return this.#heard;
  }

  say(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Says it and waits until it is said again. */
  async ask(text: string): Promise<void> {
    const before = this.#heard.length;
    this.say(text);
    await this.until(() => this.#heard.length >= before + text.length);
  }

  /** Waits until it holds, looking whenever something is heard. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.socket, "data");
  }
}

/** Looks every few milliseconds until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await later(2);
}

export function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
