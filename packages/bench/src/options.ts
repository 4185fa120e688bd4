import { parseArgs } from "node:util";
import { backendName, backendNames, type BackendName } from "./backends/index.js";

/** What the command line asks for. */
export interface Options {
  readonly backends: readonly BackendName[];
  /** Lines of JSON in place of tables. */
  readonly json: boolean;
  /** To see that it runs, in place of figures that count. */
  readonly quick: boolean;
  /** Tables and plots into `docs` of the working folder. */
  readonly write: boolean;
}

/** What `--help` prints. */
export const help = `Measures this repository's locks beside the least that the backend takes, and beside other packages.

npm run bench [-- backend... [--json] [--write] [--quick]]

  backend  which: ${backendNames.join(", ")}; without any, all
  --json   one line of JSON for each figure on standard output, and nothing else there
           (npm itself prints two lines there: use "npm run -s bench")
  --write  puts the tables and plots for people into docs/, of the working folder
  --quick  a few seconds, to see that it runs: no figures to rely on
  --help   this text

What is going on, and why a figure is missing, is told on standard error.
`;

/** The command line cannot be understood; the message is one line that says why. */
export class UsageError extends Error {}

/** Reads the arguments after the program's name. Throws `UsageError`. */
export function readOptions(args: readonly string[]): Options | "help" {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
      },
    });
    if (values.help) return "help";
    const named = [...new Set(positionals.map(backendName))];
    const chosen = named.length === 0 ? backendNames : named;
    return { backends: chosen, json: values.json, quick: values.quick, write: values.write };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Node's messages go on with advice on quoting, over several lines.
    throw new UsageError(message.split(/\.? To specify|\n/)[0], { cause: error });
  }
}
