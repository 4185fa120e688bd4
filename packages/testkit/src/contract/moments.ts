import { turns } from "./meanwhile.js";

/**
 * Moments from the beginning of something to a while after its end: the first half of them as close
 * as promises follow each other, for what no network is asked, the others spread over one and a half
 * times of what it takes. Each resolves when its moment has come.
 */
export function moments(count: number, takes: number): (() => Promise<void>)[] {
  const half = Math.floor(count / 2);
  return Array.from({ length: count }, (_, index) => {
    if (index < half) return () => ticks(index);
    return () => elapsed((1.5 * takes * (index - half)) / (count - half));
  });
}

/** How many milliseconds it takes, in the median of 20. */
export async function medianOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
}

/** Lets so many milliseconds pass, to fractions of one if the machine is idle. */
export async function elapsed(ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) await turns(1);
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await Promise.resolve();
}
