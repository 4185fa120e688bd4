import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { badUrlOption, readFileOf } from "@coord/core/driver";
import type { PostgresUrl } from "./targets.js";

const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** In which ways to speak with a server, in the order in which they are to be tried, as libpq does. */
export function tlsOf(url: PostgresUrl, env: NodeJS.ProcessEnv, host: string): (object | false)[] {
  const { options: given } = url;
  const mode = given.sslmode ?? (env["PGSSLMODE"] || "prefer");
  if (!modes.includes(mode)) {
    throw badUrlOption(`PGSSLMODE is none of its words. Set it to one of ${modes.join(", ")}.`);
  }
  if (mode === "disable" || host.startsWith("/")) return [false];
  const file = (name: "sslrootcert" | "sslcert" | "sslkey", usual: string): Buffer | undefined => {
    const named = given[name] ?? (env[`PG${name.toUpperCase()}`] || undefined);
    if (name === "sslrootcert" && named === "system") return undefined;
    const path = named ?? join(homedir(), ".postgresql", usual);
    if (named === undefined && !existsSync(path)) return undefined;
    return readFileOf(name, path);
  };
  const ca = file("sslrootcert", "root.crt");
  const cert = file("sslcert", "postgresql.crt");
  const key = file("sslkey", "postgresql.key");
  // With authorities to trust, `require` is as `verify-ca`.
  const checks = mode.startsWith("verify") || (mode === "require" && ca !== undefined);
  const tls = {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    rejectUnauthorized: checks,
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
  if (mode === "allow") return [false, tls];
  return mode === "prefer" ? [tls, false] : [tls];
}
