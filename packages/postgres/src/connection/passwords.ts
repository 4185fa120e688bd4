import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CoordError } from "@coord/core/driver";

/** Whose password is looked for. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The password for a login in a file as libpq reads it; undefined where there is none. */
export function passwordIn(file: string | undefined, login: Login): string | undefined {
  const path = file ?? join(homedir(), ".pgpass");
  let text: string;
  try {
    const { mode } = statSync(path);
    // As libpq does: what others can read is no secret.
    if (process.platform !== "win32" && (mode & 0o077) !== 0) return undefined;
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const host = login.host.startsWith("/") ? "localhost" : login.host;
  const wanted = [host, String(login.port), login.database, login.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = ""]) =>
      field.replace(/\\(.)/g, "$1"),
    );
    if (fields.length < 5) continue;
    const [given, password] = [fields.slice(0, 4), fields[4]];
    if (given.every((field, index) => field === "*" || field === wanted[index])) return password;
  }
  return undefined;
}

/** The error for a server that wants a password when nobody gave one. */
export function noPassword({ user, host }: Login): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    `PostgreSQL at ${host} wants a password for ${JSON.stringify(user)}. Give it in the URL, in PGPASSWORD or in ~/.pgpass, which nobody else may read.`,
  );
}
