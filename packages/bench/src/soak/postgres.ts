import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Ways, type HistorySubject, type Place, type PlaceFault } from "@coord/testkit/history";
import { PrivateServer } from "@coord/testkit/tools";
import { Client } from "pg";
import { postgresServer } from "../postgres-server.js";

/** A PostgreSQL server for each history, which stands still, dies, comes back and has an administrator, and a way to it for each process. */
export const postgres: HistorySubject = {
  backend: "postgres",
  module: import.meta.resolve("@coord/postgres"),
  options: { ttl: 1_000, heartbeat: 200 },
  open: async () => {
    const server = await PrivateServer.start(postgresServer);
    return new PostgresPlace(server, await Ways.start(server));
  },
};

class PostgresPlace implements Place {
  readonly faults: readonly PlaceFault[];
  readonly #server: PrivateServer;
  readonly #ways: Ways;
  #restarted: Promise<void> = Promise.resolve();
  #stopped: readonly number[] = [];

  constructor(server: PrivateServer, ways: Ways) {
    this.#server = server;
    this.#ways = ways;
    const all = { of: "all" } as const;
    this.faults = [
      // What ends a connection frees at once what it held, also that of a process that stands still
      // and cannot hear of it: only the token tells those apart.
      ...ways.faults.map((fault) =>
        fault.kind === "cut" ? ({ ...fault, class: "revoked" } as const) : fault,
      ),
      {
        kind: "stall",
        class: "time",
        ...all,
        begin: async () => {
          this.#stopped = processesOf(server);
          this.#signal("SIGSTOP");
        },
        end: async () => this.#signal("SIGCONT"),
      },
      {
        kind: "crash",
        class: "revoked",
        ...all,
        begin: () => this.#inTurn(() => this.#restart()),
      },
      {
        kind: "restart",
        class: "revoked",
        ...all,
        begin: () => this.#inTurn(() => this.#restart("SIGINT")),
      },
      {
        kind: "backends terminated",
        class: "revoked",
        ...all,
        begin: async () => {
          await this.#ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
          );
        },
      },
      {
        kind: "statements cancelled",
        class: "time",
        ...all,
        begin: async () => {
          await this.#ask(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity, generate_series(1, 20) WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
          );
        },
      },
    ];
  }

  url(way: number): string {
    const place = `127.0.0.1:${this.#server.port}/postgres?sslmode=disable`;
    return this.#ways.through(way, `postgresql://postgres@${place}`);
  }

  async leftovers(): Promise<Readonly<Record<string, number>>> {
    const [locks] = await this.#ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
    const [clients] = await this.#ask(
      "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    );
    return { locks: Number(locks?.["count"]), connections: Number(clients?.["count"]) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal("SIGCONT");
    await this.#ways[Symbol.asyncDispose]();
    await this.#kill();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Nothing, where the server is away. */
  async #ask(statement: string): Promise<Record<string, unknown>[]> {
    const place = { host: "127.0.0.1", port: this.#server.port, connectionTimeoutMillis: 5_000 };
    const client = new Client({ ...place, user: "postgres", database: "postgres", ssl: false });
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } catch {
      return [];
    } finally {
      await client.end().catch(() => {});
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#restarted = this.#restarted.then(work));
  }

  async #restart(signal?: "SIGINT"): Promise<void> {
    this.#signal("SIGCONT");
    if (signal) await this.#server.process.kill(signal);
    else await this.#kill();
    rmSync(join(this.#server.folder, "data", "postmaster.pid"), { force: true });
    await this.#server.start();
  }

  /** All of its processes at once, as when the machine dies. */
  async #kill(): Promise<void> {
    const [first, ...children] = processesOf(this.#server);
    if (first === undefined) return;
    await this.#server.process.kill();
    for (const child of children) send(child, "SIGKILL");
    for (const child of children)
      while (isAlive(child)) await new Promise((go) => setTimeout(go, 1));
  }

  #signal(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.#stopped) send(pid, signal);
  }
}

/** The server's process and those that it started. */
function processesOf({ process: { pid } }: PrivateServer): number[] {
  const children = readdirSync("/proc")
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid);
  return [pid, ...children];
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}
