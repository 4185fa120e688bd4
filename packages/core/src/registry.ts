import type { Driver } from "./contract.js";
import { CoordError } from "./errors.js";

// On the global object, so that all copies of this package in a program share one table.
const table = Symbol.for("@coord/core.drivers.v1");
const globals: typeof globalThis & { [table]?: Map<string, Driver> } = globalThis;

function drivers(): Map<string, Driver> {
  return (globals[table] ??= new Map());
}

/**
 * Makes a driver known by its schemes to every coordinator of this process; what a driver's package
 * does when it is imported. Of two copies of a driver, which have one name, the first stays.
 * @throws COORD_BAD_OPTION when a driver of another name has one of the schemes.
 */
export function register(driver: Driver): void {
  const all = drivers();
  for (const scheme of driver.schemes) {
    const other = all.get(scheme);
    if (other && other.name !== driver.name) {
      throw new CoordError(
        "COORD_BAD_OPTION",
        `The scheme "${scheme}:" is taken by the driver "${other.name}". Import only one of the two, or give the other as { drivers: [...] }.`,
      );
    }
  }
  for (const scheme of driver.schemes) if (!all.has(scheme)) all.set(scheme, driver);
}

/** The driver registered for a scheme. */
export function registered(scheme: string): Driver | undefined {
  return drivers().get(scheme);
}

/** All schemes registered, in alphabetical order. */
export function schemes(): string[] {
  return [...drivers().keys()].sort();
}
