import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { PrivateServerOptions } from "@coord/testkit/tools";

/** A PostgreSQL server with its defaults, but for room for many locks; it keeps what it has when it is killed. */
export const postgresServer: PrivateServerOptions = {
  command: "sh",
  args: ({ port, folder }) => {
    const data = join(folder, "data");
    if (!existsSync(data)) {
      const login = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"];
      if (process.getuid?.() === 0) execFileSync("chown", ["postgres", folder]);
      execFileSync("sh", asPostgres("initdb", ["-D", data, ...login]), { stdio: "pipe" });
    }
    const settings = [
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${folder}`,
      "max_connections=100",
      // 10,000 locks in one session.
      "max_locks_per_transaction=512",
    ];
    const given = settings.flatMap((setting) => ["-c", setting]);
    return asPostgres("postgres", ["-D", data, "-p", String(port), ...given]);
  },
  ready: /database system is ready to accept connections/,
};

/** PostgreSQL does not run as root, and Debian has its programs on nobody's PATH. */
function asPostgres(command: string, args: readonly string[]): string[] {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map(Number) : [];
  const path =
    versions.length > 0 ? join(root, String(Math.max(...versions)), "bin", command) : command;
  const user =
    process.getuid?.() === 0
      ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
      : ["env"];
  return ["-c", 'exec "$@" 2>&1', "sh", ...user, path, ...args];
}
