/** One thing to be seen in a panel: a value, or from one to another. */
export interface Mark {
  readonly subject: string;
  /** Ascending; the first is drawn full. */
  readonly values: readonly number[];
  /** What stands beside it. */
  readonly label: string;
}

/** Values of all subjects on one logarithmic axis. */
export interface Panel {
  readonly title: string;
  /** What the axis counts. */
  readonly unit: string;
  readonly marks: readonly Mark[];
}

const width = 720;
const edge = 12;
const left = 140;
/** From here on, at the right, are the labels. */
const right = 560;
const rowHeight = 26;
const headHeight = 34;
const footHeight = 40;
const titleHeight = 48;

// In <img>, the page's own colours cannot be asked for; the reader's preference can.
const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .panel { font-weight: 600; }
  .small { font-size: 11px; fill: #57606a; }
  .grid { stroke: #8c959f; stroke-opacity: 0.35; }
  .coord { fill: #0969da; stroke: #0969da; }
  .other { fill: #6e7781; stroke: #6e7781; }
  .coord.end, .other.end { fill: none; stroke-width: 2; }
  .span { stroke-width: 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .coord { fill: #58a6ff; stroke: #58a6ff; }
    .other { fill: #9198a1; stroke: #9198a1; }
  }`;

/** A plot as SVG, which can be read on light and on dark ground. `about` is for those who do not see it. */
export function plot(title: string, about: string, panels: readonly Panel[]): string {
  let top = titleHeight;
  const parts = panels.map((panel) => {
    const part = drawPanel(panel, top);
    top += headHeight + panel.marks.length * rowHeight + footHeight;
    return part;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" aria-labelledby="title about">
<title id="title">${escape(title)}</title>
<desc id="about">${escape(about)}</desc>
<style>${style}
</style>
${text(edge, 24, title, "title")}
${parts.join("\n")}
</svg>
`;
}

function drawPanel({ title, unit, marks }: Panel, top: number): string {
  const decades = decadesOf(marks.flatMap(({ values }) => [...values]));
  const [first = 0, last = 1] = [decades[0], decades.at(-1)];
  const place = (value: number): number =>
    round(left + ((Math.log10(value) - first) / (last - first)) * (right - left));
  const bottom = top + headHeight + marks.length * rowHeight;
  const grid = decades.map((decade) => {
    const x = place(10 ** decade);
    const label = `${(10 ** decade).toLocaleString("en-US", { maximumFractionDigits: 9 })}`;
    return `<line class="grid" x1="${x}" y1="${top + headHeight - 8}" x2="${x}" y2="${bottom}"/>${text(x, bottom + 15, label, "small", "middle")}`;
  });
  const rows = marks.map((mark, index) =>
    drawMark(mark, top + headHeight + (index + 0.5) * rowHeight, place),
  );
  return [
    text(edge, top + 14, title, "panel"),
    ...grid,
    text((left + right) / 2, bottom + 30, `${unit}, logarithmic`, "small", "middle"),
    ...rows,
  ].join("\n");
}

function drawMark(
  { subject, values, label }: Mark,
  y: number,
  place: (v: number) => number,
): string {
  const kind = subject === "coord" ? "coord" : "other";
  const xs = values.map(place);
  const [from = left, to = from] = [xs[0], xs.at(-1)];
  const span = `<line class="${kind} span" x1="${from}" y1="${y}" x2="${to}" y2="${y}"/>`;
  const dots = xs.map(
    (x, index) => `<circle class="${kind}${index === 0 ? "" : " end"}" cx="${x}" cy="${y}" r="5"/>`,
  );
  return [
    text(edge, y + 4, subject),
    xs.length > 1 ? span : "",
    ...dots,
    text(right + 20, y + 4, label),
  ].join("");
}

/** The powers of ten around all values, two at least. */
function decadesOf(values: readonly number[]): number[] {
  const logs = values.map(Math.log10);
  const first = Math.floor(Math.min(...logs));
  const last = Math.max(first + 1, Math.ceil(Math.max(...logs)));
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function text(x: number, y: number, content: string, kind = "", anchor = "start"): string {
  return `<text${kind && ` class="${kind}"`} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
