import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { badUrlOption, type BackendUrl } from "@coord/core/driver";
import type { options } from "../options.js";
import { noPassword, passwordIn, type Login } from "./passwords.js";
import { tlsOf } from "./tls.js";
import type { Target } from "./wire.js";

export type PostgresUrl = BackendUrl<typeof options>;

/**
 * All that a URL and libpq's variables name, in the order in which they are to be tried. Throws
 * COORD_BAD_URL and COORD_BAD_OPTION.
 */
export function targetsOf(url: PostgresUrl, env: NodeJS.ProcessEnv = process.env): Target[] {
  const { options: given } = url;
  const user = given.user ?? url.username ?? set(env["PGUSER"]) ?? userInfo().username;
  const path = url.path.replace(/^\//, "");
  const database =
    given.dbname ?? (path === "" ? undefined : path) ?? set(env["PGDATABASE"]) ?? user;
  const password = given.password ?? url.password ?? set(env["PGPASSWORD"]);
  const passfile = given.passfile ?? set(env["PGPASSFILE"]);
  return hostsOf(url, env).flatMap(({ host, port }) => {
    const login: Login = { host, port, database, user };
    const find = async (): Promise<string> => {
      const found = password ?? passwordIn(passfile, login);
      if (found === undefined) throw noPassword(login);
      return found;
    };
    return tlsOf(url, env, host).map((tls) => ({ ...login, password: find, tls }));
  });
}

function hostsOf(url: PostgresUrl, env: NodeJS.ProcessEnv): { host: string; port: number }[] {
  const { options: given } = url;
  const named = given.host ?? (url.hosts.length > 0 ? undefined : set(env["PGHOST"]));
  const ports = portsOf(given.port ?? set(env["PGPORT"]) ?? "5432");
  const hosts = named === undefined ? url.hosts : named.split(",").map((host) => ({ host }));
  const all = hosts.length > 0 ? hosts : [{ host: usualHost(ports[0] ?? 5432) }];
  if (ports.length > 1 && ports.length !== all.length) {
    throw badUrlOption(
      '"port" has not as many ports as there are hosts. Name one for all, or one each.',
    );
  }
  return all.map(({ host, ...own }, index) => {
    const written = given.port === undefined && "port" in own ? own.port : undefined;
    return { host: host || "localhost", port: written ?? ports[index] ?? ports[0] ?? 5432 };
  });
}

function portsOf(text: string): number[] {
  return text.split(",").map((part) => {
    const port = part === "" ? 5432 : Number(part);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
    throw badUrlOption('"port" must be a number from 1 to 65535, or several with commas between.');
  });
}

/** Where Debian's server and PostgreSQL's own have their socket, if there is one. */
function usualHost(port: number): string {
  const folders = ["/var/run/postgresql", "/tmp"];
  return folders.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ?? "localhost";
}

/** A variable that is set to nothing is not set. */
function set(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
