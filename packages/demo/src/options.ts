import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  /** The backend; without one, lock files in a temporary folder. */
  readonly backendUrl?: string;
  readonly processes: number;
  /** Of each process. */
  readonly turns: number;
}

/** What `--help` prints. */
export const help = `Several processes take turns at one number, first without a lock, then with one.

npm run demo [-- [backendUrl] [--processes N] [--turns N]]

  backendUrl     which backend keeps the lock, as "redis://127.0.0.1:6379";
                 without it: lock files in a temporary folder, removed afterwards
  --processes N  how many processes, 2 to 64 (4)
  --turns N      turns of each process, 1 to 100000 (50)
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
  return {
    ...(backendUrl !== undefined && { backendUrl }),
    processes: wholeNumber("--processes", values.processes, 2, 64),
    turns: wholeNumber("--turns", values.turns, 1, 100_000),
  };
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
