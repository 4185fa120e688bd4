import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backend } from "./backend.js";
import type { Figure } from "./figure.js";
import type { Machine } from "./machine.js";
import { plot } from "./plot.js";
import { aboutOf, drawingOf } from "./plots.js";
import { remarksOf } from "./rows.js";
import { tableOf } from "./table.js";

/** Writes a backend's table and plot for people, in place of those that are there. */
export async function writeDocs(
  folder: string,
  backend: Backend,
  figures: readonly Figure[],
  machine: Machine,
): Promise<void> {
  const drawing = drawingOf(backend.name, figures);
  const image = `${drawing.name}-${backend.name}.svg`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, image), plot(drawing.title, aboutOf(drawing), drawing.panels));
  await writeFile(
    join(folder, `figures-${backend.name}.md`),
    page(backend, figures, machine, `![${drawing.title}](${image})`),
  );
}

function page(
  backend: Backend,
  figures: readonly Figure[],
  machine: Machine,
  image: string,
): string {
  const remarks = remarksOf(figures).map((remark) => `- ${marked(remark)}`);
  const parts = [
    `# Figures of ${backend.name}`,
    `Written by \`npm run bench -- ${backend.name} --write\`. [How to read them](../packages/bench/README.md#how-to-read-the-figures).`,
    `Measured on ${machine.description}.`,
    image,
    "In parentheses: the least and the greatest of the rounds whose median stands before.",
    tableOf(figures),
    ...(remarks.length === 0
      ? []
      : [`Where there is a dash or less than asked for:`, remarks.join("\n")]),
    "Who was measured:",
    backend.subjects.map(({ name, how }) => `- _${name}_: ${how}.`).join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** So that the underscores of metrics stay what they are. */
function marked(remark: string): string {
  return remark.replace(/\w+_\w+/g, (name) => `\`${name}\``);
}
