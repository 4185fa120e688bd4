import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateServer } from "@coord/testkit/tools";
import { Client } from "pg";

/** Where PostgreSQL's programs are: Debian has them on nobody's PATH. */
const bin = ((): string => {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map(Number) : [];
  return versions.length > 0 ? join(root, String(Math.max(...versions)), "bin/") : "";
})();

/** PostgreSQL does not run as root: then its own user runs it. */
const asUser =
  process.getuid?.() === 0
    ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    : ["env"];

/** A command of `command` that runs as a user PostgreSQL's programs run as, with all it says in one. */
export function asPostgres(command: string, args: readonly string[]): string[] {
  return ["-c", 'exec "$@" 2>&1', "sh", ...asUser, command, ...args];
}

let template: string | undefined;

/** A folder for a server's data, which that user may write to. */
function makeData(folder: string): void {
  const quiet = { stdio: "pipe" } as const;
  const own = (path: string): void => {
    if (process.getuid?.() === 0) execFileSync("chown", ["postgres", path], quiet);
  };
  if (template === undefined) {
    const made = mkdtempSync(join(tmpdir(), "coord-postgres-"));
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
    own(made);
    const options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"];
    execFileSync("sh", asPostgres(`${bin}initdb`, ["-D", join(made, "data"), ...options]), quiet);
    template = made;
  }
  own(folder);
  chmodSync(folder, 0o700);
  execFileSync("cp", ["-a", join(template, "data"), join(folder, "data")], quiet);
}

/** A PostgreSQL server of a test's own, which keeps what it has when it is killed. */
export class PostgresServer implements AsyncDisposable {
  readonly #server: PrivateServer;
  #admin: Promise<Client> | undefined;

  static async start(
    settings: Readonly<Record<string, string | number>> = {},
  ): Promise<PostgresServer> {
    const server = await PrivateServer.start({
      command: "sh",
      args: ({ port, folder }) => {
        if (!existsSync(join(folder, "data"))) makeData(folder);
        const all = {
          listen_addresses: "127.0.0.1",
          unix_socket_directories: folder,
          max_connections: 300,
          // So that one session may hold 10,000 locks.
          max_locks_per_transaction: 512,
          ...settings,
        };
        const given = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
        const args = ["-D", join(folder, "data"), "-p", String(port), ...given];
        return asPostgres(`${bin}postgres`, args);
      },
      ready: /database system is ready to accept (?:read-only )?connections/,
    });
    return new PostgresServer(server);
  }

  private constructor(server: PrivateServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  /** Where its socket is. */
  get folder(): string {
    return this.#server.folder;
  }

  /** A URL with a namespace that nobody uses yet. */
  url(options = "", login = "postgres"): string {
    const place = `${login}@127.0.0.1:${this.port}/postgres`;
    return `postgresql://${place}?sslmode=disable&namespace=${crypto.randomUUID()}${options}`;
  }

  /** An administrator's statement; the rows of the last one. */
  async sql(text: string): Promise<Record<string, unknown>[]> {
    this.#admin ??= this.client();
    const result = await (await this.#admin).query<Record<string, unknown>>(text);
    return (Array.isArray(result) ? result.at(-1) : result).rows;
  }

  /** A client that is no coordinator. */
  async client(config: object = {}): Promise<Client> {
    const place = { host: "127.0.0.1", port: this.port, database: "postgres", ssl: false };
    const client = new Client({ ...place, user: "postgres", ...config });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** All its processes at once, as when the machine dies. */
  async kill(): Promise<void> {
    await this.#closeAdmin();
    const { pid } = this.#server.process;
    const children = childrenOf(pid);
    await this.#server.kill();
    for (const child of children) {
      try {
        process.kill(child, "SIGKILL");
      } catch {
        // It is gone.
      }
    }
    for (const child of children) while (existsSync(`/proc/${child}`)) await pause(1);
  }

  /** Ends it without delay, as an administrator would: `SIGQUIT` is immediate, `SIGINT` fast. */
  async stop(signal: "SIGQUIT" | "SIGINT"): Promise<void> {
    await this.#closeAdmin();
    await this.#server.process.kill(signal);
  }

  /** Starts it again, with the data it had when it was killed, or without. */
  async restart({ data = true }: { data?: boolean } = {}): Promise<void> {
    if (!data) rmSync(join(this.folder, "data"), { recursive: true, force: true });
    await this.#server.start();
  }

  /** Makes it wait for what a primary, which there is not, would send. */
  async makeStandby(): Promise<void> {
    await this.stop("SIGINT");
    const signal = join(this.folder, "standby");
    writeFileSync(signal, "");
    this.own(signal, "standby.signal");
    await this.restart();
  }

  /** Copies a file into its data, for its user alone. */
  own(from: string, name: string): void {
    const to = join(this.folder, "data", name);
    copyFileSync(from, to);
    chmodSync(to, 0o600);
    if (process.getuid?.() === 0) execFileSync("chown", ["postgres", to]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill().catch(() => {});
    await this.#server[Symbol.asyncDispose]();
  }

  async #closeAdmin(): Promise<void> {
    const admin = await this.#admin?.catch(() => undefined);
    this.#admin = undefined;
    await admin?.end().catch(() => {});
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        const stat = readFileSync(`/proc/${child}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
      } catch {
        return false;
      }
    });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
