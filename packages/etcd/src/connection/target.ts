import { isIPv6 } from "node:net";
import { badUrl, badUrlOption, readFileOf, type BackendUrl } from "@coord/core/driver";
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
    throw badUrlOption(
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
    throw badUrlOption('A certificate needs its key. Give both "cert_cert" and "cert_key".');
  }
  return {
    ...(ca === undefined ? {} : { rootCertificate: readFileOf("ca_cert", ca) }),
    ...(key === undefined ? {} : { privateKey: readFileOf("cert_key", key) }),
    ...(cert === undefined ? {} : { certChain: readFileOf("cert_cert", cert) }),
  };
}
