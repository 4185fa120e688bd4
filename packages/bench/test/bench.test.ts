import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bench } from "./running.js";

interface Line {
  readonly backend: string;
  readonly scenario: string;
  readonly subject: string;
  readonly metric: string;
  readonly value: number | null;
  readonly ratio: number | null;
}

const metrics: Readonly<Record<string, readonly string[]>> = {
  alone: ["cycles/s"],
  turns: ["switches/s", "switch_p50_ms", "switch_p99_ms", "longest_wait_ms", "fairness"],
  many: ["locks/s"],
  held: ["held_locks", "held_cpu_pct", "held_roundtrips_per_period", "held_bytes_per_lock"],
  crash: ["crash_ms", "ttl_ms"],
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coord bench %20 "));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("a quick run of the backends without a server", () => {
  let bench: Bench;
  let lines: readonly Line[];
  const of = (backend: string, scenario: string): readonly Line[] =>
    lines.filter((line) => line.backend === backend && line.scenario === scenario);
  const value = (backend: string, metric: string, subject: string): number | null | undefined =>
    lines.find(
      (line) => line.backend === backend && line.metric === metric && line.subject === subject,
    )?.value;

  beforeAll(async () => {
    bench = new Bench(folder, ["file", "memory", "--quick", "--json", "--write"]);
    if ((await bench.ended) !== 0) throw new Error(bench.stderr);
    lines = bench.stdout
      .trimEnd()
      .split("\n")
      .map((line): Line => JSON.parse(line));
  }, 120_000);

  test("gives each figure as a line of JSON with six fields, and nothing else", () => {
    const fields = ["backend", "scenario", "subject", "metric", "value", "ratio"];
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(fields);
      for (const number of [line.value, line.ratio]) {
        expect(number === null || Number.isFinite(number)).toBe(true);
      }
    }
  });

  test.each([
    ["file", ["coord", "floor", "proper-lockfile"]],
    ["memory", ["coord", "floor"]],
  ])("has every scenario, metric and subject of %s once", (backend, subjects) => {
    for (const [scenario, names] of Object.entries(metrics)) {
      const wanted = names.flatMap((metric) => subjects.map((subject) => `${metric} ${subject}`));
      const got = of(backend, scenario).map(({ metric, subject }) => `${metric} ${subject}`);
      expect(got).toEqual(wanted);
    }
  });

  test("says of each value that is missing why it does not apply", () => {
    for (const { backend, scenario, metric, value: found } of lines) {
      if (found !== null) continue;
      const why = new RegExp(`^${backend}: ${scenario}(, .*${metric}.*)?: does not apply, `, "m");
      expect(bench.stderr).toMatch(why);
    }
  });

  test("leaves out only what does not apply", () => {
    const missing = lines.flatMap((line) =>
      line.value === null ? [`${line.backend} ${line.metric} ${line.subject}`] : [],
    );
    const ofMemory = [...(metrics["turns"] ?? []), ...(metrics["crash"] ?? [])];
    expect(missing.toSorted()).toEqual(
      [
        ...["coord", "floor", "proper-lockfile"].map((who) => `held_roundtrips_per_period ${who}`),
        ...["coord", "floor"].map((who) => `ttl_ms ${who}`),
      ]
        .map((name) => `file ${name}`)
        .concat(
          [...ofMemory, "held_roundtrips_per_period"].flatMap((metric) =>
            ["coord", "floor"].map((who) => `memory ${metric} ${who}`),
          ),
        )
        .toSorted(),
    );
  });

  test("divides each value by the floor's", () => {
    for (const { backend, metric, value: found, ratio } of lines) {
      const floor = value(backend, metric, "floor");
      if (found === null || !floor) expect(ratio).toBeNull();
      else expect(ratio).toBeCloseTo(found / floor, 9);
    }
  });

  test("measures what there is: locks that are held, takeovers that last as long as they must", () => {
    expect(value("file", "held_locks", "coord")).toBe(300);
    expect(value("file", "ttl_ms", "proper-lockfile")).toBe(2_000);
    // It is killed at most 1,100 ms after it took the lock, or renewed it.
    expect(value("file", "crash_ms", "proper-lockfile")).toBeGreaterThan(500);
    expect(value("file", "crash_ms", "floor")).toBeGreaterThan(0);
    expect(value("file", "fairness", "coord")).toBeGreaterThan(0.25);
    expect(value("file", "fairness", "coord")).toBeLessThanOrEqual(1);
  });

  test("writes a page and a plot of each backend", async () => {
    const docs = join(folder, "docs");
    expect((await readdir(docs)).toSorted()).toEqual([
      "figures-file.md",
      "figures-memory.md",
      "rates-memory.svg",
      "turns-file.svg",
    ]);
    const page = await readFile(join(docs, "figures-file.md"), "utf8");
    expect(page).toMatch(/^!\[.*\]\(turns-file\.svg\)$/m);
    for (const scenario of Object.keys(metrics)) expect(page).toContain(`| _${scenario}_`);
    const parse = "import sys, xml.dom.minidom as m; [m.parse(name) for name in sys.argv[1:]]";
    const plots = ["turns-file.svg", "rates-memory.svg"].map((name) => join(docs, name));
    await promisify(execFile)("/usr/bin/python3", ["-c", parse, ...plots]);
  });

  test("leaves no temporary folder", async () => {
    expect(await readdir(folder)).toEqual(["docs"]);
  });
});

test("an interrupt ends it, its processes and its temporary folder", async () => {
  const own = await mkdtemp(join(folder, "interrupted-"));
  const bench = new Bench(own, ["file", "--quick"]);
  await bench.says(/^file: alone, /m);
  expect(await readdir(own)).toHaveLength(1);
  bench.process.kill("SIGINT");
  expect(await bench.ended).toBe(130);
  expect(bench.stderr).toMatch(/\nbench: interrupted\n$/);
  expect(await readdir(own)).toEqual([]);
});

test.each([[["nosuch"]], [["--loud"]], [["--json=yes"]]])(
  "%j is told to be wrong in one line",
  async (args) => {
    const bench = new Bench(folder, args);
    expect(await bench.ended).toBe(2);
    expect(bench.stdout).toBe("");
    expect(bench.stderr).toMatch(/^bench: .+; --help says more\n$/);
  },
);
