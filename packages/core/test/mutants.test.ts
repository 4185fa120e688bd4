import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { mutants, type Mutant } from "./mutants.js";

const core = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const root = resolve(core, "../..");
const short = process.env["COORD_TEST_SHORT"] !== undefined;
const chosen = short ? mutants.filter((_, index) => index % 5 === 0) : mutants;
if (short) console.log(`COORD_TEST_SHORT: ${chosen.length} of ${mutants.length} mutants`);

// Beside each other: copies of core that find what core and the repository have installed.
const place = mkdtempSync(join(tmpdir(), "core-mutants-"));
for (const part of ["node_modules", "tsconfig.base.json"]) {
  symlinkSync(join(root, part), join(place, part));
}
afterAll(() => rmSync(place, { recursive: true }));

const config = `export default {
  cacheDir: ".vite",
  ssr: { resolve: { conditions: ["@coord/source", "node", "import", "default"] } },
  test: { include: ["test/rules*.test.ts"], testTimeout: 20_000, maxWorkers: 1 },
};`;

/** Copies core, the build linked, and changes the line. */
function copyOfCore(mutant?: Mutant): string {
  const copy = mkdtempSync(join(place, "copy-"));
  const folder = join(copy, "core");
  mkdirSync(folder);
  // Without the projects that tests refer to.
  const filter = (path: string): boolean => !path.endsWith("tsconfig.json");
  for (const part of ["src", "test", "package.json"]) {
    cpSync(join(core, part), join(folder, part), { recursive: true, filter });
  }
  writeFileSync(join(folder, "tsconfig.json"), '{ "extends": "../../tsconfig.base.json" }');
  for (const part of ["dist", "node_modules"]) symlinkSync(join(core, part), join(folder, part));
  writeFileSync(join(folder, "vitest.config.mjs"), config);
  if (mutant) change(join(folder, "src", mutant.file), mutant);
  return folder;
}

function change(path: string, { from, to }: Mutant): void {
  const lines = readFileSync(path, "utf8").split("\n");
  const same = lines.flatMap((line, index) => (line.trim() === from ? [index] : []));
  expect(same, `lines of ${path} that are ${from}`).toHaveLength(1);
  writeFileSync(path, lines.with(same[0] ?? 0, to).join("\n"));
}

interface Results {
  readonly testResults: readonly {
    /** Why it could not be loaded. */
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Runs a copy's tests of a rule, or of all, and gives the names of those that passed and failed. */
async function run(folder: string, rule?: string): Promise<{ passed: string[]; failed: string[] }> {
  const only = rule === undefined ? [] : [...filesOf(rule), "-t", `^${rule} `, "--bail=1"];
  const args = ["run", "--reporter=json", "--outputFile=results.json", ...only];
  const env = { ...process.env, COORD_TEST_SHORT: "1", COORD_TEST_SEED: "" };
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, ...args], { cwd: folder, env, stdio: "pipe" });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += data));
  await new Promise((ended) => child.on("close", ended));
  const files = readResults(folder, printed).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  if (tests.length === 0) throw new Error(files.map(({ message }) => message).join("\n"));
  const names = (status: string): string[] =>
    tests.filter((each) => each.status === status).map(({ title }) => title);
  return { passed: names("passed"), failed: names("failed") };
}

function filesOf(rule: string): string[] {
  const files = readdirSync(join(core, "test")).filter((file) => /^rules.*\.test\.ts$/.test(file));
  const named = new RegExp(`"${rule} `);
  return files.filter((file) => named.test(readFileSync(join(core, "test", file), "utf8")));
}

function readResults(folder: string, printed: string): Results {
  try {
    return JSON.parse(readFileSync(join(folder, "results.json"), "utf8")) as Results;
  } catch (cause) {
    throw new Error(`vitest has no results: ${printed}`, { cause });
  }
}

// Two children at once: there are no more cores.
let free = 2;
const queue: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((go) => queue.push(go));
  else free -= 1;
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next) next();
    else free += 1;
  }
}

const options = { concurrent: true, timeout: 120_000 };

test("every rule has a mutant", () => {
  const rules = Array.from({ length: 15 }, (_, index) => `R${index + 1}`);
  expect(mutants.map(({ rule }) => rule)).toEqual(rules);
});

test("a copy of core that is not changed passes the tests of all rules", options, async () => {
  const { passed, failed } = await inTurn(() => run(copyOfCore()));
  expect(failed).toEqual([]);
  for (const { rule } of mutants) {
    expect(passed).toContainEqual(expect.stringMatching(new RegExp(`^${rule} `)));
  }
});

test.each(chosen)("a core with $to fails a test of $rule", options, async (mutant) => {
  const { failed } = await inTurn(() => run(copyOfCore(mutant), mutant.rule));
  expect(failed).toEqual([expect.stringMatching(new RegExp(`^${mutant.rule} `))]);
});
