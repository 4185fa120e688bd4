import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Driver } from "./contract.js";
import { CoordError, messageOf } from "./errors.js";
import { registered, schemes } from "./registry.js";

/** The packages that are known without being imported, by scheme. */
const packages: Readonly<Record<string, string>> = {
  file: "@coord/file",
  etcd: "@coord/etcd",
  etcds: "@coord/etcd",
  "etcd3+http": "@coord/etcd",
  "etcd3+https": "@coord/etcd",
  redis: "@coord/redis",
  rediss: "@coord/redis",
  "redis+sentinel": "@coord/redis",
  "redis+cluster": "@coord/redis",
  postgres: "@coord/postgres",
  postgresql: "@coord/postgres",
  zookeeper: "@coord/zookeeper",
  kazoo: "@coord/zookeeper",
};

/**
 * The driver for a URL's scheme: one of `drivers`, else one that was registered by an import, else
 * the well-known package, which is imported now.
 *
 * Rejects COORD_UNKNOWN_SCHEME when nobody serves it, COORD_DRIVER_MISSING when the package that
 * does is not installed.
 */
export async function resolveDriver(scheme: string, drivers: readonly Driver[]): Promise<Driver> {
  const given = drivers.find((driver) => driver.schemes.includes(scheme)) ?? registered(scheme);
  if (given) return given;
  const name = Object.hasOwn(packages, scheme) ? packages[scheme] : undefined;
  if (name === undefined) throw unknownScheme(scheme, drivers);
  const place = locate(name, scheme);
  try {
    await import(place);
  } catch (cause) {
    throw new CoordError(
      "COORD_DRIVER_MISSING",
      `${name}, which serves "${scheme}:", could not be loaded: ${messageOf(cause)} Install it again.`,
      { cause },
    );
  }
  const driver = registered(scheme);
  if (driver) return driver;
  throw new CoordError(
    "COORD_DRIVER_MISSING",
    `${name} was imported but did not register "${scheme}:". Install versions of it and of @coord/core that belong together.`,
  );
}

/** Looks beside core, then beside the program: in some layouts only one of the two sees the package. */
function locate(name: string, scheme: string): string {
  const program = process.argv[1];
  const places = [import.meta.url, ...(program ? [pathToFileURL(program).href] : [])];
  for (const place of places) {
    try {
      return pathToFileURL(createRequire(place).resolve(name)).href;
    } catch {
      // Not seen from there.
    }
  }
  throw new CoordError(
    "COORD_DRIVER_MISSING",
    `No driver for "${scheme}:" is installed. Run "npm install ${name}" (and write \`import "${name}"\` if the program is bundled).`,
  );
}

function unknownScheme(scheme: string, drivers: readonly Driver[]): CoordError {
  const known = new Set([
    ...drivers.flatMap((driver) => driver.schemes),
    ...schemes(),
    ...Object.keys(packages),
  ]);
  const list = [...known].sort().map((name) => `"${name}:"`);
  return new CoordError(
    "COORD_UNKNOWN_SCHEME",
    `No driver serves "${scheme}:". Use one of ${list.join(", ")}, or import the package that serves it.`,
  );
}
