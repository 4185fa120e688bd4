// The demo: several processes add to one number, without a lock and with one, or while others read it.
// See `--help`.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { oneLine } from "./messages.js";
import { help, type Options, readOptions, UsageError } from "./options.js";
import { playAlone, playShared } from "./plays.js";
import { openScreen } from "./screen.js";
import { Team } from "./team.js";

class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

async function main(): Promise<number> {
  let options: Options | "help";
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`demo: ${error.message}; --help says more\n`);
    return 2;
  }
  if (options === "help") {
    process.stdout.write(help);
    return 0;
  }
  return demo(options);
}

async function demo(options: Options): Promise<number> {
  const screen = openScreen(process.stdout, process.env);
  const folder = await mkdtemp(join(tmpdir(), "coord-demo-"));
  try {
    await using team = new Team();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => team.fail(new Interrupted(signal)));
    }
    // As in `npm run demo | head -1`.
    process.stdout.on("error", (error) => team.fail(error));
    const backendUrl = options.backendUrl ?? pathToFileURL(join(folder, "locks")).href;
    const lock = { backendUrl, name: `demo-${randomUUID()}` };
    const stage = { team, screen, options, counter: join(folder, "counter"), lock };
    const play = options.shared ? playShared(stage, options.shared) : playAlone(stage);
    return (await Promise.race([play, team.failed])) ? 0 : 1;
  } catch (error) {
    screen.close();
    process.stderr.write(`demo: ${oneLine(error)}\n`);
    return error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const code = await main();
process.exitCode = code;
// An attempt to connect that was interrupted may take its time to end.
if (code > 128) process.exit();
