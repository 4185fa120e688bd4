import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { childVitest, repository } from "./child-vitest.js";
import { elsewhere, inTheKit, underFaults } from "./scenarios.js";

const packages = join(repository, "packages");

/** The scenarios that a kit for locks has to have. 48 and 58 are of what there is not: holds with an end, leaders. */
const wanted = [
  ...numbers(1, 47),
  ...numbers(49, 57),
  ...numbers(59, 74),
  76,
  ...numbers(78, 80),
  ...numbers(113, 115),
  117,
];

test("every scenario is shown by tests, and they are there", { timeout: 60_000 }, async () => {
  const kit = "core/test/contract.test.ts";
  const toy = "testkit/test/faults-toy.test.ts";
  const files = [kit, toy, ...Object.values(elsewhere).map(({ file }) => file)];
  const tests = await testsIn([...new Set(files)]);
  const claimed = new Map([
    ...Object.entries(inTheKit).map(
      ([number, names]) =>
        [
          Number(number),
          names.map((name) => `${kit} > the contract, kept by memory > ${name}`),
        ] as const,
    ),
    ...Object.entries(underFaults).map(
      ([number, names]) =>
        [
          Number(number),
          names.map((name) => `${toy} > faults, survived by toy > ${name}`),
        ] as const,
    ),
    ...Object.entries(elsewhere).map(
      ([number, { file, tests: names }]) =>
        [Number(number), names.map((name) => `${file} > ${name}`)] as const,
    ),
  ]);
  expect([...claimed.keys()].toSorted((a, b) => a - b)).toEqual(wanted);
  for (const [number, names] of claimed) {
    expect([number, names.length, names.filter((name) => !tests.has(name))]).toEqual([
      number,
      names.length || "at least one",
      [],
    ]);
  }
});

test("every package that registers a driver runs the kit on it", () => {
  const missing = readdirSync(packages).filter((name) => {
    const contract = join(packages, name, "test/contract.test.ts");
    if (!sourcesOf(name).some((source) => /^register\(/m.test(source))) return false;
    return (
      !existsSync(contract) || !/^test(Driver|Contract)\(/m.test(readFileSync(contract, "utf8"))
    );
  });
  expect(missing).toEqual([]);
});

test("the public API of each package is written down and compared, in check:packages", () => {
  const { scripts } = manifestIn(repository);
  expect(scripts?.["check:packages"]).toMatch(/&& node scripts\/api\.mjs( |$)/);
  for (const name of readdirSync(packages)) {
    const folder = join(packages, name);
    if (!existsSync(join(folder, "package.json"))) continue;
    const { private: unpublished, exports = {} } = manifestIn(folder);
    if (unpublished) continue;
    const entries = Object.keys(exports).filter((path) => path !== "./package.json");
    const reports = entries.map(
      (path) => `${path === "." ? "index" : path.slice(2)}.public.api.md`,
    );
    expect([name, readdirSync(join(folder, "etc")).toSorted()]).toEqual([name, reports.toSorted()]);
  }
});

/** The full names of the tests in these files of `packages`, each with its file before it. */
async function testsIn(files: readonly string[]): Promise<ReadonlySet<string>> {
  const paths = files.map((file) => join("packages", file));
  const { stdout, stderr } = await childVitest([
    "list",
    "--json",
    "--config",
    "vitest.workspace.ts",
    ...paths,
  ]);
  const start = stdout.indexOf("[");
  if (start < 0) throw new Error(`vitest listed no tests:\n${stdout}\n${stderr}`);
  const tests: { name: string; file: string }[] = JSON.parse(stdout.slice(start));
  return new Set(tests.map(({ name, file }) => `${relative(packages, file)} > ${name}`));
}

function sourcesOf(name: string): string[] {
  const folder = join(packages, name, "src");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(folder, file), "utf8"));
}

function manifestIn(folder: string): {
  private?: boolean;
  exports?: Record<string, unknown>;
  scripts?: Record<string, string>;
} {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
