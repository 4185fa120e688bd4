import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { badUrlOption, readFileOf } from "@coord/core/driver";
import type { PostgresUrl } from "./targets.js";

const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/**
 * In which ways to speak with a server, in the order in which they are to be tried, as libpq does.
 * Throws COORD_BAD_OPTION for a mode that there is not, a file that cannot be read, and where what is
 * to be verified cannot be.
 */
export function tlsOf(url: PostgresUrl, env: NodeJS.ProcessEnv, host: string): (object | false)[] {
  const { options: given } = url;
  const roots = given.sslrootcert ?? (env["PGSSLROOTCERT"] || undefined);
  const byDefault = roots === "system" ? "verify-full" : "prefer";
  const mode = given.sslmode ?? (env["PGSSLMODE"] || byDefault);
  if (!modes.includes(mode)) {
    throw badUrlOption(`PGSSLMODE is none of its words. Set it to one of ${modes.join(", ")}.`);
  }
  // Anybody can have a certificate of theirs: it says something only together with the host's name.
  if (roots === "system" && mode !== "verify-full") {
    throw badUrlOption(
      `With "sslrootcert" system, "sslmode" ${mode} would not say whose server it is. Leave "sslmode" and PGSSLMODE out or set it to verify-full, or give a file as "sslrootcert".`,
    );
  }
  if (mode === "disable" || host.startsWith("/")) return [false];
  const file = (name: "sslrootcert" | "sslcert" | "sslkey", usual: string): Buffer | undefined => {
    const named = given[name] ?? (env[`PG${name.toUpperCase()}`] || undefined);
    const path = named ?? join(homedir(), ".postgresql", usual);
    if (named === undefined && !existsSync(path)) return undefined;
    return readFileOf(name, path);
  };
  const ca = roots === "system" ? undefined : file("sslrootcert", "root.crt");
  if (mode.startsWith("verify") && !ca && roots !== "system") {
    throw badUrlOption(
      `With "sslmode" ${mode} there is no authority to trust, as ~/.postgresql/root.crt is missing. Give the file of its certificate as "sslrootcert", or system, with verify-full, for those that Node trusts.`,
    );
  }
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
