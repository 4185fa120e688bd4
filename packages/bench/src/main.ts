// Measures backends, for people or as JSON. See `--help`, and README.md on how to read the figures.
import { backendOf } from "./backends/index.js";
import { stopAll } from "./crew.js";
import { type Figure, jsonOf } from "./figure.js";
import { lookAtMachine } from "./machine.js";
import { measure } from "./measure.js";
import { help, type Options, readOptions, UsageError } from "./options.js";
import { full, quick } from "./pace.js";
import { remarksOf, rowsOf, textOf } from "./rows.js";
import { tableOf } from "./table.js";
import { writeDocs } from "./write-docs.js";

function main(): Promise<number> | number {
  let options: Options | "help";
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}; --help says more\n`);
    return 2;
  }
  if (options === "help") {
    process.stdout.write(help);
    return 0;
  }
  return bench(options);
}

async function bench(options: Options): Promise<number> {
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      interrupted = true;
      // Whoever waits for a worker is told, and cleans up on the way out.
      stopAll();
    });
  }
  const machine = lookAtMachine();
  if (machine.busy !== undefined) process.stderr.write(`bench: ${machine.busy}\n`);
  try {
    for (const name of options.backends) {
      const backend = await backendOf(name);
      const figures: Figure[] = [];
      for await (const some of measure(backend, options.quick ? quick : full)) {
        figures.push(...some);
        for (const line of news(backend.name, some)) process.stderr.write(`${line}\n`);
        if (options.json) for (const each of some) process.stdout.write(`${jsonOf(each)}\n`);
      }
      if (!options.json) process.stdout.write(`\n${tableOf(figures)}\n\n`);
      if (options.write) await writeDocs("docs", backend, figures, machine);
    }
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`bench: ${interrupted ? "interrupted" : message}\n`);
    return interrupted ? 130 : 1;
  }
}

/** What a scenario gave: a line for each metric, and one for each thing to know of it. */
function news(backend: string, figures: readonly Figure[]): string[] {
  const lines = rowsOf(figures).map(({ scenario, metric, figures: of }) => {
    const values = of.map(({ subject, reading }) => `${subject} ${textOf(reading)}`);
    return `${scenario}, ${metric}: ${values.join(", ")}`;
  });
  return [...lines, ...remarksOf(figures)].map((line) => `${backend}: ${line}`);
}

process.exitCode = await main();
