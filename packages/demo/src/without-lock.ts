import { readCounter, resetCounter } from "./counter.js";
import type { Screen } from "./screen.js";
import type { Worker } from "./team.js";

// Two processes of one turn each may miss each other now and then, but not as often as that.
const mostRounds = 50;

/**
 * Lets the workers add to one number without a lock, over and over until additions were lost.
 * Answers whether any were.
 */
export async function addWithoutLock(
  workers: readonly Worker[],
  { counter, turns }: { counter: string; turns: number },
  screen: Screen,
): Promise<boolean> {
  const additions = workers.length * turns;
  for (let round = 1; round <= mostRounds; round += 1) {
    await resetCounter(counter);
    for (const worker of workers) worker.tell({ kind: "work", counter, turns });
    await Promise.all(workers.map((worker) => worker.hear("ready")));
    for (const worker of workers) worker.tell({ kind: "go" });
    await Promise.all(workers.map((worker) => worker.hear("done")));

    const final = await readCounter(counter);
    const lost = additions - final;
    screen.line(
      `without a lock: ${additions} additions, ${final} in the file: ${lost > 0 ? `${lost} lost` : "none lost, once more"}`,
    );
    if (lost > 0) return true;
  }
  return false;
}
