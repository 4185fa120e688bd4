import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { CoordError, type BackendUrl } from "@coord/core/driver";
import type { options } from "../options.js";

export type EtcdUrl = BackendUrl<typeof options>;

/** Where the members of a cluster are, and who we are to them. */
export interface Target {
  /** With scheme, host and port; at least one. */
  readonly endpoints: readonly string[];
  readonly user?: { readonly name: string; readonly password: string };
  readonly certificates?: {
    readonly rootCertificate?: Buffer;
    readonly privateKey?: Buffer;
    readonly certChain?: Buffer;
  };
}

/** Reads a URL; throws COORD_BAD_URL and COORD_BAD_OPTION. */
export function targetOf(url: EtcdUrl): Target {
  const isSecure = url.scheme === "etcds" || url.scheme === "etcd3+https";
  if (url.path !== "" && url.path !== "/") {
    throw badUrl("The URL of an etcd has no path. Leave it out, or write ?namespace=<name>.");
  }
  if (url.username !== undefined && url.password === undefined) {
    throw badUrl("The URL names a user without a password. Write user:password@ before the host.");
  }
  const { ca_cert: ca, cert_cert: cert, cert_key: key } = url.options;
  if (!isSecure && (ca ?? cert ?? key) !== undefined) {
    throw badOption(
      `Certificates are for TLS, and "${url.scheme}:" does without. Use etcds: or etcd3+https:.`,
    );
  }
  const certificates = certificatesOf(url);
  const hosts = url.hosts.length > 0 ? url.hosts : [{ host: "127.0.0.1", port: 2379 }];
  const { username: name, password } = url;
  return {
    endpoints: hosts.map(({ host, port = 2379 }) => {
      const address = isIPv6(host) ? `[${host}]` : host;
      return `${isSecure ? "https" : "http"}://${address}:${port}`;
    }),
    ...(name === undefined || password === undefined ? {} : { user: { name, password } }),
    ...(certificates === undefined ? {} : { certificates }),
  };
}

function certificatesOf({ options: given }: EtcdUrl): Target["certificates"] {
  const { ca_cert: ca, cert_cert: cert, cert_key: key } = given;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw badOption('A certificate needs its key. Give both "cert_cert" and "cert_key".');
  }
  return {
    ...(ca === undefined ? {} : { rootCertificate: read("ca_cert", ca) }),
    ...(key === undefined ? {} : { privateKey: read("cert_key", key) }),
    ...(cert === undefined ? {} : { certChain: read("cert_cert", cert) }),
  };
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw badOption(`The file of "${option}" cannot be read (${code}). Name one that can.`, cause);
  }
}

function badUrl(message: string): CoordError {
  return new CoordError("COORD_BAD_URL", message);
}

function badOption(message: string, cause?: unknown): CoordError {
  return new CoordError("COORD_BAD_OPTION", message, cause === undefined ? {} : { cause });
}
