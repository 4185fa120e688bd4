import { explained } from "./refusals.js";
import { sqlStateOf, Wire, type Target, type WireOptions } from "./wire.js";

/** A connection, and where it leads to. */
export interface Opened {
  readonly wire: Wire;
  readonly target: Target;
}

/** Connects to the first of the servers that will do; rejects COORD_UNAVAILABLE with what the last one said. */
export async function openFirst(targets: readonly Target[], options: WireOptions): Promise<Opened> {
  let failure: unknown;
  for (const [index, target] of targets.entries()) {
    const before = targets[index - 1];
    const again = before?.host === target.host && before.port === target.port;
    // The same server is asked a second time only if the first way to speak was what was wrong.
    if (again && !isAboutTls(failure)) continue;
    try {
      return { wire: await Wire.open(target, options), target };
    } catch (error) {
      failure = error;
    }
  }
  throw explained(failure);
}

function isAboutTls(error: unknown): boolean {
  return (error instanceof Error && /\bSSL\b/.test(error.message)) || sqlStateOf(error) === "28000";
}
