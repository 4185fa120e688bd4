import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  /** The backend; without one, lock files in a temporary folder. */
  readonly backendUrl?: string;
  readonly processes: number;
  /** Of each process; with `shared`, of each writer. */
  readonly turns: number;
  /** Set where readers and writers share the lock. */
  readonly shared?: {
    /** How many of the processes write; the others read. */
    readonly writers: number;
    /** How many seconds the writers may take in all. */
    readonly limit: number;
  };
}

/** What `--help` prints. */
export const help = `Several processes take turns at one number, first without a lock, then with one.

npm run demo [-- [backendUrl] [--processes N] [--turns N]]
npm run demo -- --shared [backendUrl] [--processes N] [--turns N] [--limit S]

  backendUrl     which backend keeps the lock, as "redis://127.0.0.1:6379";
                 without it: lock files in a temporary folder, removed afterwards
  --processes N  how many processes, 2 to 64 (4)
  --turns N      turns of each process, 1 to 100000 (50)
  --shared       half of the processes, 3 or more, are writers: they take their
                 turns under the exclusive lock. The others are readers: under the
                 shared lock, and over and over until the writers have ended, they
                 read the number twice and must see it unchanged
  --limit S      with --shared: how many seconds the writers may take before they
                 count as starved, 1 to 1000000 (60, and 1 more for every 10 turns)
  --help         this text

Ends with 0 when everything was as promised, 1 when something was not, 2 when it was called wrongly.
`;

/** The command line cannot be understood; the message is one line that says why. */
export class UsageError extends Error {}

/** Reads the arguments after the program's name. Throws `UsageError`. */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [backendUrl, extra] = positionals;
  if (extra !== undefined) {
    throw new UsageError(`one backendUrl is enough, but there is also "${extra}"`);
  }
  const turns = wholeNumber("--turns", values.turns, 1, 100_000);
  const url = backendUrl === undefined ? {} : { backendUrl };
  if (!values.shared) {
    if (values.limit !== undefined) throw new UsageError("--limit is for --shared");
    return { ...url, processes: wholeNumber("--processes", values.processes, 2, 64), turns };
  }
  // Two of them are to read at once.
  const processes = wholeNumber("--processes with --shared", values.processes, 3, 64);
  const writers = Math.floor(processes / 2);
  const generous = String(60 + Math.ceil((writers * turns) / 10));
  const limit = wholeNumber("--limit", values.limit ?? generous, 1, 1_000_000);
  return { ...url, processes, turns, shared: { writers, limit } };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        processes: { type: "string", default: "4" },
        turns: { type: "string", default: "50" },
        shared: { type: "boolean", default: false },
        limit: { type: "string" },
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Node's messages go on with advice on quoting, over several lines.
    throw new UsageError(message.split(/\.? To specify|\n/)[0], { cause: error });
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}
