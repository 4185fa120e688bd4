import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { processHistory, virtualHistory } from "@coord/testkit/history";
import type { HistorySubject, Line, Place } from "@coord/testkit/history";
import { BadArguments, type Where } from "./arguments.js";
import { etcd } from "./etcd.js";
import { postgres } from "./postgres.js";
import { redis } from "./redis.js";
import { zookeeper } from "./zookeeper.js";

/** Plays the history of a seed. */
export type Player = (seed: number) => Promise<Line[]>;

/** The backends that are known by name. One more is one line here. */
const backends: Readonly<Record<string, Player>> = {
  memory: (seed) => virtualHistory(seed),
  file: (seed) => processHistory(files, { seed }),
  etcd: (seed) => processHistory(etcd, { seed }),
  redis: (seed) => processHistory(redis, { seed }),
  postgres: (seed) => processHistory(postgres, { seed }),
  zookeeper: (seed) => processHistory(zookeeper, { seed }),
};

/** Lock files in a folder that is gone afterwards. */
const files: HistorySubject = {
  backend: "file",
  module: import.meta.resolve("@coord/file"),
  // Nothing ends by time here; it says how long processes stand still.
  options: { ttl: 600, heartbeat: 200 },
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "coord-soak-"));
    const remove = async ({ name }: { name: string }): Promise<void> => {
      // Nobody has asked for it yet.
      await unlink(join(folder, name)).catch(() => {});
    };
    return {
      url: () => pathToFileURL(folder).href,
      faults: [{ kind: "removal", class: "revoked", of: "name", begin: remove }],
      leftovers: async () => ({ "probes in the folder": probesIn(folder) }),
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

function probesIn(folder: string): number {
  return readdirSync(folder).filter((name) => name.startsWith("%probe-")).length;
}

/** @throws BadArguments for a backend that nobody knows, or a URL without a driver. */
export function playerOf(where: Where): Player {
  if ("backend" in where) {
    const play = Object.hasOwn(backends, where.backend) ? backends[where.backend] : undefined;
    if (play) return play;
    const known = Object.keys(backends).join(", ");
    throw new BadArguments(
      `There is no backend ${JSON.stringify(where.backend)}. Name one of ${known}, or give a backendUrl.`,
    );
  }
  const { url, module, ttl = 2_000 } = where;
  const scheme = url.slice(0, url.indexOf(":"));
  if (scheme === "memory") return (seed) => virtualHistory(seed);
  const place: Place = { url: () => url, faults: [], [Symbol.asyncDispose]: async () => {} };
  const driver = moduleOf(module ?? `@coord/${packageOf(scheme)}`, url);
  return (seed) => {
    // What earlier histories have left there is none of its business.
    const prefix = `soak-${crypto.randomUUID()}-`;
    const options = { ttl, heartbeat: Math.ceil(ttl / 6), prefix };
    return processHistory(
      { backend: scheme, module: driver, options, open: async () => place },
      { seed },
    );
  };
}

/** What the scheme's driver is called, where it is one of ours. */
function packageOf(scheme: string): string {
  const ours = Object.keys(backends).find((name) => scheme.startsWith(name));
  return ours ?? scheme;
}

function moduleOf(module: string, url: string): string {
  if (/^\.{0,2}\//.test(module) || /\.[cm]?js$/.test(module)) {
    return pathToFileURL(resolve(module)).href;
  }
  try {
    return import.meta.resolve(module);
  } catch {
    throw new BadArguments(
      `${module}, which is to bring the driver of ${JSON.stringify(url)}, is not there. Name it with --module.`,
    );
  }
}
