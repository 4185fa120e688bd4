import { Ways, type HistorySubject, type Place, type PlaceFault } from "@coord/testkit/history";
import { Backend } from "../toy/backend.js";
import type { Order } from "../toy/server.js";

/** The toy, with a server for each history, which stands still, dies, and has an administrator, and a way to it for each process. */
export const toySubject: HistorySubject = {
  backend: "toy",
  module: new URL("../toy/dist/driver.js", import.meta.url).href,
  options: { ttl: 1_000, heartbeat: 200 },
  open: async () => {
    const backend = await Backend.start();
    return new ToyPlace(backend, await Ways.start(backend));
  },
};

class ToyPlace implements Place {
  readonly faults: readonly PlaceFault[];
  readonly #url: string;
  readonly #ways: Ways;
  #backend: Backend;
  #restarted: Promise<void> = Promise.resolve();

  readonly #ofServer: readonly PlaceFault[] = [
    {
      kind: "answer lost",
      class: "time",
      of: "all",
      begin: () => this.#order({ lose: "acquire" }),
    },
    {
      kind: "stall",
      class: "time",
      of: "all",
      begin: () => unlessItDied(this.#backend.process.pause()),
      end: async () => this.#backend.process.resume(),
    },
    {
      kind: "restart without data",
      class: "revoked",
      of: "all",
      begin: () => (this.#restarted = this.#restarted.then(() => this.#restart())),
    },
    {
      kind: "revoke",
      class: "revoked",
      of: "name",
      begin: ({ name }) => unlessItDied(this.#backend.revoke(this.#url, name)),
    },
  ];

  constructor(backend: Backend, ways: Ways) {
    this.#backend = backend;
    this.#ways = ways;
    this.#url = backend.url();
    this.faults = [...this.#ofServer, ...ways.faults];
  }

  url(way: number): string {
    return this.#ways.through(way, this.#url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ways[Symbol.asyncDispose]();
    await this.#backend[Symbol.asyncDispose]();
  }

  #order(order: Order): Promise<void> {
    return unlessItDied(this.#backend.order(order));
  }

  async #restart(): Promise<void> {
    const { port } = this.#backend;
    await this.#backend[Symbol.asyncDispose]();
    this.#backend = await Backend.start(port);
  }
}

/** Another fault may be that the server is killed before it answers. */
async function unlessItDied(done: Promise<void>): Promise<void> {
  await done.catch(() => {});
}
