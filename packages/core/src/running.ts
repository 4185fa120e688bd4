import type { Awake } from "./awake.js";
import { Connection, type ConnectionEvents } from "./connection.js";
import { LockTable } from "./lock-table.js";
import { resolveDriver } from "./resolve.js";
import type { Settings } from "./settings.js";
import type { ParsedUrl } from "./url.js";

/** What a coordinator has from `start()` to `stop()`. */
export interface Running {
  readonly connection: Connection;
  readonly locks: LockTable;
}

/**
 * What starting needs and importing core does not: a program that never starts a coordinator does
 * not load it. Connects nothing yet.
 */
export async function makeRunning(
  parsed: ParsedUrl,
  settings: Settings,
  awake: Awake,
  events: ConnectionEvents,
): Promise<Running> {
  const driver = await resolveDriver(parsed.scheme, settings.drivers);
  const url = parsed.read(driver);
  for (const name of url.ignoredOptions) {
    settings.log.debug(
      `The URL's option "${name}" means nothing here: ${driver.options[name]?.help}. Leave it out, unless other programs share the URL.`,
    );
  }
  const connection = new Connection(driver, url, settings, events);
  return { connection, locks: new LockTable(connection, settings, awake) };
}
