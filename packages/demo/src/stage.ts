import type { LockPlace } from "./messages.js";
import { open } from "./open.js";
import type { Options } from "./options.js";
import type { Screen } from "./screen.js";
import type { Team } from "./team.js";
import type { Check } from "./verdict.js";

/** What a play is played on. */
export interface Stage {
  readonly team: Team;
  readonly screen: Screen;
  readonly options: Options;
  /** The file to count in. */
  readonly counter: string;
  readonly lock: LockPlace;
}

/**
 * Connects to the backend and says what it promises.
 * @throws where locks are to be shared and the backend has none that can be
 */
export async function introduceBackend({ screen, options, lock }: Stage): Promise<void> {
  await using coordinator = await open(lock.backendUrl);
  const { reach, crashReleaseMs, shared } = coordinator.traits;
  // Not the whole URL: it may have a password.
  const scheme = lock.backendUrl.slice(0, lock.backendUrl.indexOf(":") + 1);
  if (options.shared && !shared) {
    throw new Error(`${scheme} has no shared locks; name another backend, or leave --shared out`);
  }
  screen.line(
    `${scheme} keeps locks for one ${reach}; a dead holder's is free within ${crashReleaseMs} ms`,
  );
}

/** Starts the processes, and says what they will do. */
export function startProcesses({ team, screen, options }: Stage, what: string): void {
  for (let count = 0; count < options.processes; count += 1) team.start();
  const pids = team.workers.map(({ pid }) => pid).join(", ");
  screen.line(`${options.processes} processes (pid ${pids}), ${what}`);
  screen.line();
}

/** Says what was promised and how it went; answers whether all was well. */
export function conclude(
  { screen }: Stage,
  checks: readonly Check[],
  figures: readonly string[],
): boolean {
  for (const { promise, fault } of checks) {
    screen.line(fault === undefined ? `  ok     ${promise}` : `  FAULT  ${promise}: ${fault}`);
  }
  screen.line();
  for (const figure of figures) screen.line(figure);
  return checks.every(({ fault }) => fault === undefined);
}
