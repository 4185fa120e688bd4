import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectSecure, type ConnectionOptions } from "node:tls";
import { badUrl, badUrlOption, readFileOf, type BackendUrl } from "@coord/core/driver";
import type { options } from "../options.js";

export type ZooKeeperUrl = BackendUrl<typeof options>;

/** A server's address. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** Where the servers are and how to speak with them, as a URL says it. */
export interface Target {
  /** In the order in which they are tried. */
  readonly servers: readonly Server[];
  /** `user:password`, for digest authentication. */
  readonly digest: string | undefined;
  /** Without it, connections are plain. */
  readonly tls: ConnectionOptions | undefined;
}

/** Reads a URL; throws COORD_BAD_URL and COORD_BAD_OPTION. */
export function targetOf(url: ZooKeeperUrl): Target {
  const { hosts = [], randomize_hosts: isRandom = true } = url.options;
  const given = [...url.hosts, ...hosts.flatMap((text) => text.split(",")).map(serverOf)];
  const all = given.length === 0 ? [{ host: "127.0.0.1" }] : given;
  const servers = all.map(({ host, port = 2181 }) => ({ host, port }));
  return {
    servers: isRandom ? shuffled(servers) : servers,
    digest: digestOf(url),
    tls: tlsOf(url),
  };
}

/** A socket that connects, and that keeps no process running; `ready` is called when it is connected. */
export function dial({ host, port }: Server, { tls }: Target, ready: () => void): Socket {
  if (!tls) return connectPlain({ host, port, noDelay: true }).once("connect", ready).unref();
  const name = isIP(host) ? {} : { servername: host };
  const socket = connectSecure({ ...tls, ...name, host, port }).once("secureConnect", ready);
  return socket.setNoDelay().unref();
}

function digestOf({ username, password }: ZooKeeperUrl): string | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined) {
    throw badUrl(
      "ZooKeeper's digest authentication takes a user and a password. Give both, as in zookeeper://user:password@host.",
    );
  }
  return `${username}:${password}`;
}

function tlsOf({ options: given }: ZooKeeperUrl): ConnectionOptions | undefined {
  const { use_ssl: isWanted, verify_certs: isVerified, ca, certfile, keyfile } = given;
  const files = {
    ...(ca === undefined ? {} : { ca: readFileOf("ca", ca) }),
    ...(certfile === undefined ? {} : { cert: readFileOf("certfile", certfile) }),
    ...(keyfile === undefined ? {} : { key: readFileOf("keyfile", keyfile) }),
  };
  if (!isWanted) return undefined;
  const { keyfile_password: passphrase } = given;
  return {
    ...files,
    ...(passphrase === undefined ? {} : { passphrase }),
    rejectUnauthorized: isVerified ?? true,
  };
}

function serverOf(text: string): { host: string; port?: number } {
  const [, ipv6, name, port] = /^(?:\[(.+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text.trim()) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) {
    throw badUrlOption('"hosts" must be host:port, as in hosts=b.example:2181.');
  }
  return port === undefined ? { host } : { host, port: Number(port) };
}

function shuffled<T>(items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
