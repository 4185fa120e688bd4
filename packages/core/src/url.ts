import { isIPv6 } from "node:net";
import { inspect } from "node:util";
import type { Driver } from "./contract.js";
import { CoordError } from "./errors.js";
import type { OptionSpec, OptionValues } from "./option-spec.js";
import { readUrlOptions, type UrlOptions } from "./url-options.js";

/** One server of a `backendUrl`. */
export interface UrlHost {
  /** Percent-decoded; an IPv6 address without its brackets, or a socket's path. Never empty. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port?: number;
}

/** A `backendUrl` that is well formed; its options are still unread. Shows nothing but its scheme. */
export interface ParsedUrl {
  /** In lower case, without the colon: what to find the driver by. */
  readonly scheme: string;
  /**
   * Reads the options as the driver has them. Throws COORD_BAD_OPTION for one that the driver does
   * not have, and for a value that an option cannot have.
   */
  read<Spec extends OptionSpec>(driver: Pick<Driver<Spec>, "name" | "options">): BackendUrl<Spec>;
}

/**
 * A `backendUrl` as drivers get it. However it is printed, copied or serialized, neither its
 * password nor an option's secret value shows: only `password` and `options` give them.
 */
export class BackendUrl<Spec extends OptionSpec = OptionSpec> {
  /** In lower case, without the colon. */
  readonly scheme: string;
  /** Whether there was a `//`. */
  readonly hasAuthority: boolean;
  /** In the order written; empty where the URL names none. */
  readonly hosts: readonly UrlHost[];
  /** Percent-decoded; undefined where there is none or it is empty. */
  readonly username: string | undefined;
  /**
   * Percent-decoded: `locks` of `file:locks`, `/var/x` of `file:///var/x`, `/0` of `redis://h/0`,
   * else empty. Never contains a NUL.
   */
  readonly path: string;
  /** The options given that do nothing here, by name. */
  readonly ignoredOptions: readonly string[];
  readonly #password: string | undefined;
  readonly #options: OptionValues<Spec>;
  readonly #shown: string;

  /** For `ParsedUrl.read()`; to have one, call `parseBackendUrl()`. */
  constructor(parts: UrlParts, options: UrlOptions<Spec>) {
    this.scheme = parts.scheme;
    this.hasAuthority = parts.hasAuthority;
    this.hosts = parts.hosts;
    this.username = parts.username;
    this.path = parts.path;
    this.ignoredOptions = options.ignored;
    this.#password = parts.password;
    this.#options = options.values;
    this.#shown = parts.shown + (options.shown && `?${options.shown}`);
  }

  /** Percent-decoded; empty where the URL has a colon and nothing after it. */
  get password(): string | undefined {
    return this.#password;
  }

  /**
   * The options given, durations in milliseconds. Secret ones are there by name but are not
   * enumerable: a spread leaves them out.
   */
  get options(): OptionValues<Spec> {
    return this.#options;
  }

  /** The URL with `***` for all that is secret, so that it can be logged. */
  toString(): string {
    return this.#shown;
  }

  /** The same as `toString()`. */
  toJSON(): string {
    return this.#shown;
  }

  /** The same as `toString()`. */
  [inspect.custom](): string {
    return this.#shown;
  }
}

/**
 * Understands a `backendUrl`: `scheme:path?options` or
 * `scheme://user:password@host:port,host:port/path?options`. Throws COORD_BAD_URL, whose message
 * contains nothing of the text: a mistake may have turned a secret into any part of it.
 */
export function parseBackendUrl(text: string): ParsedUrl {
  checkText(text);
  const [, scheme = "", authority, rawPath = "", query = ""] = grammar.exec(text) ?? [];
  const path = decodeWithoutNul(rawPath);
  const parts = {
    scheme: scheme.toLowerCase(),
    path,
    ...(authority === undefined ? noAuthority : readAuthority(authority)),
  };
  const shown = `${parts.scheme}:${parts.shown}${showPath(rawPath)}`;
  return {
    scheme: parts.scheme,
    read: (driver) => new BackendUrl({ ...parts, shown }, readUrlOptions(query, driver)),
  };
}

interface UrlAuthority {
  readonly hasAuthority: boolean;
  readonly hosts: readonly UrlHost[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly shown: string;
}

interface UrlParts extends UrlAuthority {
  readonly scheme: string;
  readonly path: string;
}

const grammar = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/i;

const mistakes: readonly (readonly [RegExp, string])[] = [
  [/^$/, "is empty: write one such as file:///var/lib/app/locks or redis://127.0.0.1:6379"],
  [/^[a-z]:/i, "looks like a path of Windows: write file:///C:/x for C:\\x"],
  [
    /[\s\p{Cc}]/u,
    "has white space or a control character in it: write a space as %20, others alike",
  ],
  [/\p{Cs}/u, "has half a character (a lone surrogate) in it: write characters whole"],
  [/#/, "has a # in it, and fragments mean nothing here: write # as %23"],
  [/^(?![a-z][a-z0-9+.-]*:)/i, "has no scheme: write one first, as in file:/var/x or redis://host"],
  [
    /^[^:]*:\/\/[^/?]+[/?].*@/,
    "has an @ after its hosts: write / as %2F and ? as %3F in a user name or password, and @ as " +
      "%40 in a path or an option",
  ],
  [/\?.*\?/, "has a second ? in it: put & between options, and write ? as %3F in their values"],
];

function checkText(text: string): void {
  if (typeof text !== "string") throw badUrl("is not a string: give a string, of a URL its href");
  const mistake = mistakes.find(([pattern]) => pattern.test(text));
  if (mistake) throw badUrl(mistake[1]);
  try {
    decodeURIComponent(text);
  } catch {
    throw badUrl("has a % that does not begin an encoded character: write % as %25");
  }
}

const noAuthority: UrlAuthority = {
  hasAuthority: false,
  hosts: [],
  username: undefined,
  password: undefined,
  shown: "",
};

function readAuthority(authority: string): UrlAuthority {
  const [, userinfo = "", hosts = ""] = /^(.*@)?(.*)$/.exec(authority) ?? [];
  const [, username = "", password] = /^([^:]*)(?::(.*))?@$/.exec(userinfo) ?? [];
  const shownUser = password === undefined ? userinfo : `${username}:***@`;
  return {
    hasAuthority: true,
    hosts: hosts === "" ? [] : hosts.split(",").map(readHost),
    username: decodeURIComponent(username) || undefined,
    password: password === undefined ? undefined : decodeURIComponent(password),
    shown: `//${shownUser}${hosts}`,
  };
}

function readHost(text: string): UrlHost {
  if (text === "") throw badUrl("has an empty host in its list: write one , between two hosts");
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([^:[\]]*))?$/.exec(text);
  if (!parts) throw badUrl("has a host with : or [ in it: write an IPv6 address as [::1]");
  const [, ipv6, name = "", port] = parts;
  const host = decodeWithoutNul(ipv6 ?? name);
  if (ipv6 !== undefined && !isIPv6(host)) {
    throw badUrl("has in [] what is no IPv6 address: write other hosts without the brackets");
  }
  if (host === "") throw badUrl("has a port without a host: write localhost before it");
  return port === undefined ? { host } : { host, port: readPort(port) };
}

function readPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw badUrl(
    "has a port that is none: write a number from 1 to 65535 after a host's colon, and / as %2F " +
      "and ? as %3F in a user name or password",
  );
}

function decodeWithoutNul(text: string): string {
  const decoded = decodeURIComponent(text);
  if (decoded.includes("\0")) throw badUrl("has a %00 in its path or a host: remove it");
  return decoded;
}

// Where the // was forgotten, user name and password stand in the path.
function showPath(path: string): string {
  const at = path.lastIndexOf("@");
  const colon = path.search(/:(?!\/)/);
  if (colon < 0 || at < colon) return path;
  return `${path.slice(0, path.lastIndexOf("/", colon) + 1)}***${path.slice(at)}`;
}

function badUrl(problem: string): CoordError {
  return new CoordError("COORD_BAD_URL", `The backendUrl ${problem}.`);
}
