import type { Figure } from "./figure.js";
import type { Mark, Panel } from "./plot.js";
import { short } from "./rows.js";

/** What is drawn of a backend. */
export interface Drawing {
  /** The file's name, without the backend's. */
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The turns, where processes can take turns; else what one process can do. */
export function drawingOf(backend: string, figures: readonly Figure[]): Drawing {
  const turns = [
    panel(figures, "Changes of owner: more is better", "per second", ["switches/s"]),
    panel(
      figures,
      "From release() to the next owner, median and 99th percentile: less is better",
      "milliseconds",
      ["switch_p50_ms", "switch_p99_ms"],
    ),
  ].filter(({ marks }) => marks.length > 0);
  if (turns.length > 0) {
    const title = `${backend}: four processes take turns at one lock`;
    return { name: "turns", title, panels: turns };
  }
  const rates = [
    panel(figures, "One lock, over and over: more is better", "acquire + release, per second", [
      "cycles/s",
    ]),
    panel(figures, "Many locks at once: more is better", "acquire + release, per second", [
      "locks/s",
    ]),
  ];
  return { name: "rates", title: `${backend}: one process`, panels: rates };
}

/** What those who do not see the plot are told. */
export function aboutOf({ panels }: Drawing): string {
  return panels
    .map(({ title, unit, marks }) => {
      const all = marks.map(({ subject, label }) => `${subject} ${label}`);
      return `${title} (${unit}): ${all.join("; ")}.`;
    })
    .join(" ");
}

function panel(
  figures: readonly Figure[],
  title: string,
  unit: string,
  metrics: readonly string[],
): Panel {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const marks = subjects.flatMap((subject): Mark[] => {
    const values = metrics.flatMap((metric) => {
      const found = figures.find((each) => each.subject === subject && each.metric === metric);
      // A logarithm has no place for 0.
      return found && "value" in found.reading && found.reading.value > 0
        ? [found.reading.value]
        : [];
    });
    if (values.length < metrics.length) return [];
    return [{ subject, values, label: values.map(short).join(" to ") }];
  });
  return { title, unit, marks };
}
