// The demo: several processes add to one number, without a lock and with one. See `--help`.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { figures } from "./figures.js";
import { oneLine, workMs } from "./messages.js";
import { open } from "./open.js";
import { help, type Options, readOptions, UsageError } from "./options.js";
import { openScreen, type Screen } from "./screen.js";
import { Team } from "./team.js";
import { verdict } from "./verdict.js";
import { addWithLock } from "./with-lock.js";
import { addWithoutLock } from "./without-lock.js";

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
    return await Promise.race([play(team, folder, options, screen), team.failed]);
  } catch (error) {
    screen.close();
    process.stderr.write(`demo: ${oneLine(error)}\n`);
    return error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function play(team: Team, folder: string, options: Options, screen: Screen): Promise<number> {
  const { processes, turns } = options;
  const backendUrl = options.backendUrl ?? pathToFileURL(join(folder, "locks")).href;
  const counter = join(folder, "counter");
  const lock = { backendUrl, name: `demo-${randomUUID()}` };

  const { reach, crashReleaseMs } = await traitsOf(backendUrl);
  // Not the whole URL: it may have a password.
  const scheme = backendUrl.slice(0, backendUrl.indexOf(":") + 1);
  screen.line(
    `${scheme} keeps locks for one ${reach}; a dead holder's is free within ${crashReleaseMs} ms`,
  );
  for (let count = 0; count < processes; count += 1) team.start();
  const pids = team.workers.map(({ pid }) => pid).join(", ");
  screen.line(`${processes} processes (pid ${pids}), ${turns} turns of ${workMs} ms each`);
  screen.line();

  if (!(await addWithoutLock(team.workers, { counter, turns }, screen))) {
    throw new Error("nothing was lost without a lock, which shows nothing; try more --turns");
  }
  screen.line();

  const run = await addWithLock(team, { counter, lock, turns }, screen);
  screen.settle();
  const lost = run.expected - run.final;
  screen.line(
    `with the lock: ${run.expected} additions, ${run.final} in the file: ${lost === 0 ? "none" : lost} lost`,
  );
  screen.line();

  const checks = verdict(run);
  for (const { promise, fault } of checks) {
    screen.line(fault === undefined ? `  ok     ${promise}` : `  FAULT  ${promise}: ${fault}`);
  }
  screen.line();
  for (const figure of figures(run)) screen.line(figure);
  return checks.every(({ fault }) => fault === undefined) ? 0 : 1;
}

async function traitsOf(backendUrl: string) {
  await using coordinator = await open(backendUrl);
  return coordinator.traits;
}

const code = await main();
process.exitCode = code;
// An attempt to connect that was interrupted may take its time to end.
if (code > 128) process.exit();
