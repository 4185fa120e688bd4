import { rmSync } from "node:fs";
import { join } from "node:path";
import { Ways, type HistorySubject, type Place, type PlaceFault } from "@coord/testkit/history";
import { PrivateServer } from "@coord/testkit/tools";
import library, { type Client } from "node-zookeeper-client";
import { zookeeperServer } from "../zookeeper-server.js";

/** A ZooKeeper server for each history, which stands still, dies, comes back and has an administrator, and a way to it for each process. */
export const zookeeper: HistorySubject = {
  backend: "zookeeper",
  module: import.meta.resolve("@coord/zookeeper"),
  options: { ttl: 1_000, heartbeat: 160 },
  open: async () => {
    const server = await PrivateServer.start(zookeeperServer("-XX:TieredStopAtLevel=1"));
    return new ZooKeeperPlace(server, await Ways.start(server));
  },
};

class ZooKeeperPlace implements Place {
  readonly faults: readonly PlaceFault[];
  readonly #server: PrivateServer;
  readonly #ways: Ways;
  #administrator: Client | undefined;
  #restarted: Promise<void> = Promise.resolve();

  constructor(server: PrivateServer, ways: Ways) {
    this.#server = server;
    this.#ways = ways;
    const all = { of: "all" } as const;
    this.faults = [
      ...ways.faults,
      {
        kind: "stall",
        class: "time",
        ...all,
        begin: () => this.#server.process.pause().catch(() => {}),
        end: async () => this.#server.process.resume(),
      },
      {
        kind: "restart",
        class: "time",
        ...all,
        begin: () => this.#inTurn(() => this.#restart({ data: true })),
      },
      {
        kind: "removal",
        class: "revoked",
        of: "name",
        begin: ({ name }) => this.#remove(`/coord/locks/${name}`),
      },
    ];
  }

  url(way: number): string {
    return this.#ways.through(way, `zookeeper://127.0.0.1:${this.#server.port}`);
  }

  /** Not the folders: their last user removes them, if it is not killed. */
  async leftovers(): Promise<Readonly<Record<string, number>>> {
    const locks = await this.#children("/coord/locks");
    const nodes = await Promise.all(locks.map((lock) => this.#children(`/coord/locks/${lock}`)));
    return { nodes: nodes.flat().length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#administrator?.close();
    await this.#ways[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Takes the lock from who is first in line. */
  async #remove(folder: string): Promise<void> {
    const numbered = (await this.#children(folder)).map((node) => [node.slice(-10), node] as const);
    const [first] = numbered.toSorted(([one], [two]) => (one < two ? -1 : 1));
    if (!first) return;
    await new Promise<void>((resolve) =>
      this.#client.remove(`${folder}/${first[1]}`, () => resolve()),
    );
  }

  /** Empty where it is missing, and while the server is away. */
  #children(path: string): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve([]), 2_000);
      this.#client.getChildren(path, (_, children: string[] | undefined) => {
        clearTimeout(late);
        resolve(children ?? []);
      });
    });
  }

  get #client(): Client {
    if (this.#administrator) return this.#administrator;
    const client = library.createClient(`127.0.0.1:${this.#server.port}`, {
      sessionTimeout: 60_000,
    });
    client.connect();
    return (this.#administrator = client);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#restarted = this.#restarted.then(work));
  }

  async #restart({ data }: { data: boolean }): Promise<void> {
    await this.#server.kill();
    if (!data) rmSync(join(this.#server.folder, "data"), { recursive: true, force: true });
    await this.#server.start();
  }
}
