import { badUrl, badUrlOption, readFileOf, type BackendUrl } from "@coord/core/driver";
import type { RedisOptions } from "ioredis";
import type { options } from "../options.js";

export type RedisUrl = BackendUrl<typeof options>;

/** Where the servers are, as a URL says it. */
export type Target =
  | { readonly kind: "server"; readonly server: RedisOptions }
  | {
      readonly kind: "cluster";
      readonly nodes: { host: string; port: number }[];
      readonly server: RedisOptions;
    };

/** Reads a URL; throws COORD_BAD_URL and COORD_BAD_OPTION. */
export function targetOf(url: RedisUrl): Target {
  const common = { ...credentialsOf(url), ...tlsOf(url) };
  if (url.scheme === "redis+cluster") {
    if (databaseOf(url) > 0) throw badUrl("A Redis Cluster has only database 0. Leave it out.");
    return { kind: "cluster", nodes: addressesOf(url, 6379), server: common };
  }
  const { sentinel } = url.options;
  if (url.scheme === "redis+sentinel" || sentinel !== undefined) {
    const server = { ...common, ...sentinelsOf(url), db: databaseOf(url) };
    return { kind: "server", server };
  }
  if (url.hosts.length > 1) {
    throw badUrl(
      "redis: and rediss: have one server. Name one, or use redis+sentinel: or redis+cluster:.",
    );
  }
  const socket = url.hosts.length === 0 ? url.path : url.hosts[0]?.host;
  if (socket?.startsWith("/")) {
    const db = url.hosts.length === 0 ? (url.options.db ?? 0) : databaseOf(url);
    return { kind: "server", server: { ...common, path: socket, db } };
  }
  const [address] = addressesOf(url, 6379);
  return { kind: "server", server: { ...common, ...address, db: databaseOf(url) } };
}

function addressesOf({ hosts }: RedisUrl, usual: number): { host: string; port: number }[] {
  if (hosts.length === 0) return [{ host: "127.0.0.1", port: usual }];
  return hosts.map(({ host, port = usual }) => ({ host, port }));
}

function databaseOf({ path, options: { db } }: RedisUrl): number {
  const text = path.replace(/^\//, "");
  if (text !== "" && !/^\d+$/.test(text)) {
    throw badUrl("The path of a Redis URL is the number of a database, as in redis://host/0.");
  }
  return db ?? Number(text);
}

function credentialsOf({ username, password }: RedisUrl): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function sentinelsOf(url: RedisUrl): RedisOptions {
  const { sentinel: name, sentinel_fallback: others = [] } = url.options;
  if (name === undefined) {
    throw badUrlOption("Sentinels watch over groups by name. Add ?sentinel=<name of the group>.");
  }
  const { sentinel_username: sentinelUsername, sentinel_password: sentinelPassword } = url.options;
  return {
    name,
    sentinels: [...addressesOf(url, 26_379), ...others.map(fallbackOf)],
    // One round over all of them; then core tries again.
    sentinelRetryStrategy: () => null,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(url.options.sentinel_ssl
      ? { sentinelTLS: certificatesOf(url), enableTLSForSentinelMode: true }
      : {}),
  };
}

function fallbackOf(text: string): { host: string; port: number } {
  const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? [];
  if (host === undefined) {
    throw badUrlOption(
      '"sentinel_fallback" must be host:port, as in sentinel_fallback=b.example:26379.',
    );
  }
  return { host, port: Number(port) };
}

function tlsOf(url: RedisUrl): RedisOptions {
  const wanted = url.scheme === "rediss" || url.options.ssl;
  return wanted ? { tls: certificatesOf(url) } : {};
}

function certificatesOf({ options: given }: RedisUrl): NonNullable<RedisOptions["tls"]> {
  const { ssl_ca_certs: ca, ssl_certfile: cert, ssl_keyfile: key } = given;
  return {
    ...(ca === undefined ? {} : { ca: readFileOf("ssl_ca_certs", ca) }),
    ...(cert === undefined ? {} : { cert: readFileOf("ssl_certfile", cert) }),
    ...(key === undefined ? {} : { key: readFileOf("ssl_keyfile", key) }),
  };
}
