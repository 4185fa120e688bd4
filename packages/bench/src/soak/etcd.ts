import { Ways, type HistorySubject, type Place, type PlaceFault } from "@coord/testkit/history";
import { PrivateServer } from "@coord/testkit/tools";
import { Etcd3 } from "etcd3";
import { etcdServer } from "../etcd-server.js";

/** An etcd for each history, which stands still, dies, comes back, compacts and has an administrator, and a way to it for each process. */
export const etcd: HistorySubject = {
  backend: "etcd",
  module: import.meta.resolve("@coord/etcd"),
  options: { ttl: 1_000, heartbeat: 200 },
  open: async () => {
    const server = await PrivateServer.start(etcdServer);
    return new EtcdPlace(server, await Ways.start(server));
  },
};

class EtcdPlace implements Place {
  readonly faults: readonly PlaceFault[];
  readonly #server: PrivateServer;
  readonly #ways: Ways;
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
      { kind: "restart", class: "time", ...all, begin: () => this.#inTurn(() => this.#restart()) },
      { kind: "compaction", class: "time", ...all, begin: () => this.#compact() },
      {
        kind: "removal",
        class: "revoked",
        of: "name",
        begin: ({ name }) =>
          this.#administer(async (client) => {
            const line = client.getAll().prefix(`coord/locks/${name}/`);
            const [first] = await line.sort("Create", "Ascend").limit(1).keys();
            if (first !== undefined) await client.delete().key(first);
          }),
      },
    ];
  }

  url(way: number): string {
    return this.#ways.through(way, `etcd://127.0.0.1:${this.#server.port}`);
  }

  /** The marks of sessions whose opening failed stay until their leases end. */
  async leftovers(): Promise<Readonly<Record<string, number>>> {
    let count = NaN;
    await this.#administer(async (client) => {
      count = (await client.getAll().prefix("coord/locks/").keys()).length;
    });
    return { "keys of locks": count };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ways[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  #compact(): Promise<void> {
    return this.#administer(async (client) => {
      const { header } = await client.kv.range({ key: Buffer.from("coord") });
      await client.kv.compact({ revision: header.revision });
    });
  }

  /** What cannot be done because the server is away just now is not. */
  async #administer(work: (client: Etcd3) => Promise<void>): Promise<void> {
    const defaultCallOptions = ({ isStream }: { isStream: boolean }) =>
      isStream ? {} : { deadline: Date.now() + 2_000 };
    const client = new Etcd3({ hosts: `127.0.0.1:${this.#server.port}`, defaultCallOptions });
    await work(client).catch(() => {});
    client.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#restarted = this.#restarted.then(work));
  }

  async #restart(): Promise<void> {
    await this.#server.kill();
    await this.#server.start();
  }
}
