import { rmSync } from "node:fs";
import { join } from "node:path";
import { Ways, type HistorySubject, type Place, type PlaceFault } from "@coord/testkit/history";
import { PrivateServer } from "@coord/testkit/tools";
import { Redis } from "ioredis";
import { redisServer } from "../redis-server.js";

/** A Redis server for each history, which stands still, dies, comes back and has an administrator, and a way to it for each process. */
export const redis: HistorySubject = {
  backend: "redis",
  module: import.meta.resolve("@coord/redis"),
  options: { ttl: 1_000, heartbeat: 200 },
  open: async () => {
    const server = await PrivateServer.start(redisServer);
    return new RedisPlace(server, await Ways.start(server));
  },
};

class RedisPlace implements Place {
  readonly faults: readonly PlaceFault[];
  readonly #server: PrivateServer;
  readonly #ways: Ways;
  readonly #administrator: Redis;
  #restarted: Promise<void> = Promise.resolve();

  constructor(server: PrivateServer, ways: Ways) {
    this.#server = server;
    this.#ways = ways;
    // What it asked when its connection broke may never be answered.
    this.#administrator = new Redis({
      port: server.port,
      retryStrategy: () => 50,
      commandTimeout: 1_000,
    });
    this.#administrator.on("error", () => {});
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
        kind: "restart without data",
        class: "revoked",
        ...all,
        begin: () => this.#inTurn(() => this.#restart({ data: false })),
      },
      { kind: "connections killed", class: "time", ...all, begin: () => this.#killConnections() },
      {
        kind: "removal",
        class: "revoked",
        of: "name",
        begin: async ({ name }) => {
          await this.#administrator.del(`coord:{${name}}`).catch(() => {});
        },
      },
    ];
  }

  url(way: number): string {
    return this.#ways.through(way, `redis://127.0.0.1:${this.#server.port}`);
  }

  /** Tokens stay for a day; nothing else does. */
  async leftovers(): Promise<Readonly<Record<string, number>>> {
    const keys = await this.#administrator.keys("*");
    return { "keys but tokens": keys.filter((key) => !key.endsWith(":token")).length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#administrator.disconnect();
    await this.#ways[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  async #killConnections(): Promise<void> {
    for (const type of ["normal", "pubsub"]) {
      await this.#administrator
        .call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")
        .catch(() => {});
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#restarted = this.#restarted.then(work));
  }

  async #restart({ data }: { data: boolean }): Promise<void> {
    await this.#server.kill();
    if (!data) rmSync(join(this.#server.folder, "appendonlydir"), { recursive: true, force: true });
    await this.#server.start();
  }
}
