import { inspect } from "node:util";
import type { OptionSpec } from "../src/option-spec.js";
import { parseBackendUrl, type BackendUrl } from "../src/url.js";

/** Options of every kind. */
export const options = {
  timeout: { type: "seconds", help: "how long", min: 0.5, max: 3_600 },
  offset: { type: "seconds", help: "how far", min: -10 },
  delay: { type: "seconds", help: "how long before" },
  db: { type: "integer", help: "which database", min: 0, max: 15 },
  step: { type: "integer", help: "any step" },
  ssl: { type: "boolean", help: "encrypts" },
  namespace: { type: "string", help: "the root" },
  handler: { type: "string", help: "which client", values: ["threading", "eventlet"] },
  fallback: { type: "list", help: "other servers" },
  keyfile_password: { type: "string", help: "opens the key file", secret: true },
  pin: { type: "integer", help: "opens the door", secret: true },
  pool: { type: "integer", help: "for others", min: 1, ignored: true },
  executor: { type: "string", help: "for others", ignored: true },
} as const satisfies OptionSpec;

/** A driver that has them. */
export const driver = { name: "demo", options };

/** What no message and no picture of a URL may contain. */
export const secret = "hunter2secret7";

export function read(text: string): BackendUrl<typeof options> {
  return parseBackendUrl(text).read(driver);
}

/** What a spread copies. */
export function own(value: object): object {
  return Object.fromEntries(Object.entries(value));
}

/** Everything a log might make of a value. */
export function shown(value: { toString(): string }): string {
  return [
    value.toString(),
    JSON.stringify({ value }),
    JSON.stringify(own(value)),
    inspect(value, { depth: 9, showHidden: true }),
    inspect(value, { depth: 9, showHidden: true, customInspect: false }),
    inspect({ nested: [value] }, { depth: 9 }),
  ].join("\n");
}
