import { oneOf, type Random } from "../random.js";
import type { Place, PlaceFault } from "../subject.js";

/** A fault that is to be made. All durations are milliseconds. */
export interface Planned {
  /** After so long from the history's beginning. */
  readonly at: number;
  /** `kill` and `pause`, or one of the place. */
  readonly what: "kill" | "pause" | PlaceFault;
  /** Of the process at this place, or its way. */
  readonly way: number;
  readonly name: string;
  /** How long it lasts, if it does. */
  readonly ms: number;
}

/** What is known of those to whom it shall happen. */
export interface Targets {
  readonly ways: number;
  readonly names: readonly string[];
  /** For how long the backend keeps what is held for a client it does not hear of. */
  readonly ttl: number;
}

/**
 * What goes wrong within so many milliseconds, as the numbers drawn say; of the place's faults those
 * of time, and the others if told so.
 */
export function plan(
  random: Random,
  within: number,
  { faults }: Pick<Place, "faults">,
  { ways, names, ttl }: Targets,
  isRevoking: boolean,
): Planned[] {
  const ofPlace = faults.filter((fault) => isRevoking || fault.class === "time");
  const choices = ["kill", "pause", ...ofPlace] as const;
  const all: Planned[] = [];
  for (let at = 200 + random(400); at < within; at += 100 + random(500)) {
    all.push({
      at,
      what: oneOf(random, choices),
      way: random(ways),
      name: oneOf(random, names),
      ms: 50 + random(random(2) === 0 ? 300 : 1.5 * ttl),
    });
  }
  return all;
}

/** For people. */
export function describe({ at, what, way, name, ms }: Planned): string {
  const when = `at ${at} ms:`;
  if (what === "kill") return `${when} kill process ${way}`;
  if (what === "pause") return `${when} pause process ${way} for ${ms} ms`;
  const whom = { way: ` of process ${way}`, name: ` of ${name}`, all: "" }[what.of];
  return `${when} ${what.kind}${whom}${what.end ? ` for ${ms} ms` : ""}`;
}
