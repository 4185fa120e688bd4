import { statSync } from "node:fs";
import { parseArgs } from "node:util";

/** What to do, as it was told on the command line. */
export type Told = Soak | { readonly do: "check"; readonly file: string } | { readonly do: "help" };

/** A run to do. It ends with the last seed, or when the time is over, whichever comes first. */
export interface Soak {
  readonly do: "soak";
  readonly where: Where;
  /** The first seed. */
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  /** Where a history with a violation is saved; undefined: the system's folder for temporary files. */
  readonly folder: string | undefined;
}

/** A backend of this repository, or any that is there, by its URL and the module that has its driver. */
export type Where =
  | { readonly backend: string }
  | { readonly url: string; readonly module: string | undefined; readonly ttl: number | undefined };

/** The command line says nothing that can be done. */
export class BadArguments extends Error {}

/** How to call it. */
export const usage = `npm run soak -- <backend or backendUrl> [--minutes N | --seeds N] [--seed S]
npm run soak -- --check FILE

  <backend>      memory, file, etcd, redis, postgres or zookeeper: a place of its own for each history
  <backendUrl>   a place of yours; names begin with a prefix of their own for each history
  --minutes N    for so long (default: 1)
  --seeds N      so many histories
  --seed S       the first seed, the next ones follow; odd ones take holds away, too (default: any)
  --module M     what brings the driver of the URL: a package or a file (default: @coord/<scheme>)
  --ttl MS       the ttl of coordinators, with a URL (default: 2000)
  --save FOLDER  where to save a history with a violation (default: the folder for temporary files)
  --check FILE   judges a saved history again`;

const options = {
  minutes: { type: "string" },
  seeds: { type: "string" },
  seed: { type: "string" },
  module: { type: "string" },
  ttl: { type: "string" },
  save: { type: "string" },
  check: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws BadArguments, saying what to write instead. */
export function readArguments(args: readonly string[]): Told {
  const { values, positionals } = parse(args);
  if (values.help) return { do: "help" };
  const { check, minutes, seeds, seed, module, ttl, save } = values;
  if (check !== undefined) {
    const others = Object.keys(values).filter((name) => name !== "check");
    if (positionals.length > 0 || others.length > 0) {
      throw new BadArguments("--check takes nothing but the file. Leave out the rest.");
    }
    return { do: "check", file: check };
  }
  const [where, ...more] = positionals;
  if (where === undefined || more.length > 0) {
    throw new BadArguments("Name one backend, or one backendUrl.");
  }
  if (minutes !== undefined && seeds !== undefined) {
    throw new BadArguments("Give either --minutes or --seeds, not both.");
  }
  return {
    do: "soak",
    where: whereOf(where, module, ttl),
    seed: whole("--seed", seed, 0) ?? systemSeed(),
    seeds: whole("--seeds", seeds, 1) ?? Infinity,
    minutes: seeds === undefined ? (positive("--minutes", minutes) ?? 1) : Infinity,
    folder: folderOf(save),
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseStrictly> {
  try {
    return parseStrictly(args);
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}

function parseStrictly(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

function whereOf(where: string, module: string | undefined, ttl: string | undefined): Where {
  if (where.includes(":")) return { url: where, module, ttl: whole("--ttl", ttl, 1) };
  if (module !== undefined || ttl !== undefined) {
    throw new BadArguments("--module and --ttl are for a backendUrl. Leave them out.");
  }
  return { backend: where };
}

function whole(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number < 2 ** 31) return number;
  throw new BadArguments(
    `${name} must be a whole number from ${least}, not ${JSON.stringify(value)}.`,
  );
}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(value) && Number(value) > 0) return Number(value);
  throw new BadArguments(`${name} must be a number above 0, not ${JSON.stringify(value)}.`);
}

function folderOf(save: string | undefined): string | undefined {
  if (save === undefined || statSync(save, { throwIfNoEntry: false })?.isDirectory()) return save;
  throw new BadArguments(
    `--save names no folder: ${JSON.stringify(save)}. Make it, or name another.`,
  );
}

function systemSeed(): number {
  return Math.floor(Math.random() * 2 ** 30);
}
