/** A random whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/**
 * Calls `body` so many times with repeatable random numbers. What it throws is thrown again, naming
 * the seed; the same one in COORD_TEST_SEED repeats all runs.
 */
export function repeat(runs: number, body: (random: Random) => void): void {
  const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const random = randomNumbers(seed);
  for (let run = 0; run < runs; run++) {
    try {
      body(random);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`COORD_TEST_SEED=${seed}, run ${run}: ${message}`, { cause });
    }
  }
}

/** A text of so many random ones of `pieces`. */
export function randomText(random: Random, length: number, pieces: readonly string[]): string {
  return Array.from({ length }, () => pieces[random(pieces.length)]).join("");
}

function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    // A linear congruence; its high bits are the good ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
