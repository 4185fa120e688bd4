/** The value below which the share `at` (0 to 1) of the values lies; between two of them, the line between. */
export function quantile(values: readonly number[] | Float64Array, at: number): number {
  if (values.length === 0) throw new Error("there is no quantile of no values");
  const sorted = Float64Array.from(values).sort();
  const place = at * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The value in the middle. */
export function median(values: readonly number[] | Float64Array): number {
  return quantile(values, 0.5);
}

/** Jain's index of fairness: 1 where all have the same, 1/n where one has all. 1 where nobody has anything. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0);
  const squares = shares.reduce((all, share) => all + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}
