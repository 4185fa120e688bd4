import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { CoordError, CoordErrorCode } from "@coord/core";
import { allFailures } from "./failures.js";
import { world } from "./world.js";

const src = join(dirname(fileURLToPath(import.meta.url)), "../src");

const verbs =
  "accept await call choose close convert correct do encode give import install leave let lower make name open " +
  "pass put raise remove require run see start stop take use wait write";
/** The last sentence, or what is said in it after a colon, a comma or a bracket, tells to do something. */
const advice = new RegExp(
  `(?:^|[.!?:;,(] (?:or |and |so )?)(?:${verbs.replaceAll(" ", "|")})\\b[^]*\\.$`,
  "i",
);
/** What the log says of troubles that core sees to by itself. */
const seenTo =
  /(?:It is tried again|Nothing to do|a new session is being opened|giving it back goes on|is free at the latest when its session ends)\.$/;

function endsWithAdvice(message: string): boolean {
  const [last = ""] = message.split(/(?<=[.!?]) (?=[A-Z"])/).slice(-1);
  return advice.test(last);
}

const codes: readonly CoordErrorCode[] = [
  "COORD_BUSY",
  "COORD_UNAVAILABLE",
  "COORD_LOST",
  "COORD_DEADLOCK",
  "COORD_NOT_STARTED",
  "COORD_STOPPED",
  "COORD_UNKNOWN_SCHEME",
  "COORD_DRIVER_MISSING",
  "COORD_BAD_URL",
  "COORD_BAD_OPTION",
  "COORD_BAD_NAME",
  "COORD_BAD_TEMPLATE",
  "COORD_UNSUPPORTED",
  "COORD_TRAITS",
];

/** Where errors are made, as `file:line` of the sources. */
function sites(): string[] {
  return readdirSync(src, { recursive: true, encoding: "utf8" }).flatMap((file) => {
    if (!file.endsWith(".ts")) return [];
    const lines = readFileSync(join(src, file), "utf8").split("\n");
    return lines.flatMap((line, index) => {
      return line.includes("new CoordError(") ? [`${file}:${index + 1}`] : [];
    });
  });
}

function siteOf({ stack = "" }: CoordError): string | undefined {
  const place = /\/core\/src\/([\w/-]+\.ts:\d+):\d+/;
  return stack
    .split("\n")
    .map((line) => place.exec(line)?.[1])
    .find((it) => it !== undefined);
}

test("R14 every error, and every message in the log, ends with what to do", async () => {
  const it = world();
  const errors = await allFailures(it);
  const messages = errors.map(({ message }) => message);
  expect(messages.filter((message) => !endsWithAdvice(message))).toEqual([]);
  const logged = it.log.filter((message) => !endsWithAdvice(message) && !seenTo.test(message));
  expect(logged).toEqual([]);
  expect(it.log.length).toBeGreaterThan(5);
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(codes));
  // No place where an error is made is left out. One more? Let failures.ts come by there, too.
  const made = new Set(errors.map(siteOf));
  expect(sites().filter((site) => !made.has(site))).toEqual([]);
});
