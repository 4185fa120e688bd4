/** What a scenario found out of one metric of one subject. */
export type Reading =
  | {
      readonly value: number;
      /** The least and the greatest of several rounds, where `value` is their median. */
      readonly range?: readonly [least: number, greatest: number];
      /** What has to be said with it. */
      readonly remark?: string;
    }
  /** There is none, and why. */
  | { readonly none: string };

/** A metric, as people read it. */
export interface Metric {
  /** As in the lines of `--json`. */
  readonly name: string;
  /** In words, with the unit. */
  readonly title: string;
}

/** One figure. */
export interface Figure {
  readonly backend: string;
  readonly scenario: string;
  readonly subject: string;
  readonly metric: string;
  readonly reading: Reading;
  /** The value, divided by the floor's; null where one of them is missing, or the floor's is 0. */
  readonly ratio: number | null;
}

/** A figure as a line of `--json`. A value that there is not is null; why, is said on standard error. */
export function jsonOf({ backend, scenario, subject, metric, reading, ratio }: Figure): string {
  const value = "none" in reading ? null : reading.value;
  return JSON.stringify({ backend, scenario, subject, metric, value, ratio });
}

/** What divides a reading by the floor's. */
export function ratioOf(reading: Reading | undefined, floor: Reading | undefined): number | null {
  if (!reading || !floor || "none" in reading || "none" in floor || floor.value === 0) return null;
  return reading.value / floor.value;
}
