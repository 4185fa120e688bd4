import { figures } from "./figures.js";
import { workMs } from "./messages.js";
import type { Options } from "./options.js";
import { sharedFigures } from "./shared-figures.js";
import { sharedVerdict } from "./shared-verdict.js";
import { conclude, introduceBackend, startProcesses, type Stage } from "./stage.js";
import { verdict } from "./verdict.js";
import { addWithLock } from "./with-lock.js";
import { readAndWrite } from "./with-shared-lock.js";
import { addWithoutLock } from "./without-lock.js";

/** Processes add to one number, without a lock and with one. Answers whether all was as promised. */
export async function playAlone(stage: Stage): Promise<boolean> {
  const { team, screen, counter, lock, options } = stage;
  const { turns } = options;
  await introduceBackend(stage);
  startProcesses(stage, `${turns} turns of ${workMs} ms each`);

  if (!(await addWithoutLock(team.workers, { counter, turns }, screen))) {
    throw new Error("nothing was lost without a lock, which shows nothing; try more --turns");
  }
  screen.line();

  const run = await addWithLock(team, { counter, lock, turns }, screen);
  screen.settle();
  screen.line(additions("with the lock", run));
  screen.line();
  return conclude(stage, verdict(run), figures(run));
}

/** Some processes add to one number while others read it. Answers whether all was as promised. */
export async function playShared(
  stage: Stage,
  { writers, limit }: NonNullable<Options["shared"]>,
): Promise<boolean> {
  const { team, screen, counter, lock, options } = stage;
  const { turns } = options;
  await introduceBackend(stage);
  const what = `the first ${writers} to write, ${turns} turns of ${workMs} ms each, the others to read`;
  startProcesses(stage, what);

  const run = await readAndWrite(team, { counter, lock, turns, writers, limit }, screen);
  screen.settle();
  screen.line(additions("with readers", run));
  screen.line();
  return conclude(stage, sharedVerdict(run), sharedFigures(run));
}

function additions(how: string, { expected, final }: { expected: number; final: number }): string {
  const lost = expected - final;
  return `${how}: ${expected} additions, ${final} in the file: ${lost === 0 ? "none" : lost} lost`;
}
