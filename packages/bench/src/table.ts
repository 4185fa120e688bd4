import type { Figure } from "./figure.js";
import { rowsOf, short, textOf } from "./rows.js";

/** Figures of one backend as a table in Markdown, its columns as wide as they must be. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = rowsOf(figures);
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const head = ["Scenario", "Figure", ...subjects, "coord ÷ floor"];
  const body = rows.map(({ scenario, title, figures: of }, index) => {
    const ratio = of.find(({ subject }) => subject === "coord")?.ratio ?? null;
    const values = subjects.map((subject) => {
      const figure = of.find((each) => each.subject === subject);
      return figure ? cell(figure) : "";
    });
    const first = rows[index - 1]?.scenario === scenario ? "" : `_${scenario}_`;
    return [first, title, ...values, ratio === null ? "–" : short(ratio)];
  });
  return aligned(head, body);
}

/** A value, and in parentheses the least and the greatest of its rounds. */
function cell({ reading }: Figure): string {
  if ("none" in reading || !reading.range) return textOf(reading);
  const [least, greatest] = reading.range.map(short);
  return `${textOf(reading)} (${least} to ${greatest})`;
}

/** A table as oxfmt leaves it. From the third column on, everything is at the right. */
export function aligned(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, column) => {
      const text = cells[column] ?? "";
      return column < 2 ? text.padEnd(width) : text.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) =>
    column < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}
