import type { Figure, Reading } from "./figure.js";
import { scenarios } from "./scenarios/index.js";

/** One metric of a scenario, with the figures of all subjects. */
export interface Row {
  readonly scenario: string;
  readonly metric: string;
  /** The metric in words. */
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** Figures, as rows of a table. */
export function rowsOf(figures: readonly Figure[]): Row[] {
  return scenarios.flatMap(({ name: scenario, metrics }) =>
    metrics.flatMap(({ name: metric, title }) => {
      const of = figures.filter((each) => each.scenario === scenario && each.metric === metric);
      return of.length === 0 ? [] : [{ scenario, metric, title, figures: of }];
    }),
  );
}

/** What has to be known of some figures: why there is none, or what limits it. */
export function remarksOf(figures: readonly Figure[]): string[] {
  const remarks = rowsOf(figures).flatMap(({ scenario, metric, figures: of }) =>
    textsOf(of).map(({ text, subjects }) => {
      const who = subjects.length === of.length ? "" : ` of ${subjects.join(" and ")}`;
      return { scenario, place: `${metric}${who}`, text };
    }),
  );
  return scenarios.flatMap(({ name, metrics }) => {
    const own = remarks.filter(({ scenario }) => scenario === name);
    const texts = new Set(own.map(({ text }) => text));
    return [...texts].map((text) => {
      const places = own.flatMap((each) => (each.text === text ? [each.place] : []));
      const all = metrics.every((metric) => places.includes(metric.name));
      return all ? `${name}: ${text}` : `${name}, ${places.join(", ")}: ${text}`;
    });
  });
}

/** What is said of the figures of a row, and of whom. */
function textsOf(figures: readonly Figure[]): { text: string; subjects: string[] }[] {
  const texts = new Map<string, string[]>();
  for (const { subject, reading } of figures) {
    const text = "none" in reading ? `does not apply, ${reading.none}` : reading.remark;
    if (text !== undefined) texts.set(text, [...(texts.get(text) ?? []), subject]);
  }
  return [...texts].map(([text, subjects]) => ({ text, subjects }));
}

const number = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** A number for people: three digits of it. */
export function short(value: number): string {
  return number.format(value);
}

/** A reading for people; a dash where there is none. */
export function textOf(reading: Reading): string {
  return "none" in reading ? "–" : short(reading.value);
}
