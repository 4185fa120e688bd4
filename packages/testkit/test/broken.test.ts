import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Breakage } from "./broken/breakage.js";
import { breakages } from "./broken/index.js";
import { childVitest, repository } from "./child-vitest.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const chosen = Object.keys(breakages).slice(0, short ? 2 : undefined) as Name[];

/** Which tests of the kit failed, and how many there were. */
interface Verdict {
  readonly failed: readonly string[];
  readonly all: number;
}

/** What the whole kit says of the memory backend broken in one way: `broken/index.ts` has the ways. */
describe("the kit finds a driver broken that", () => {
  let verdicts: Map<string, Verdict>;

  beforeAll(async () => {
    if (short) {
      console.info(
        `COORD_TEST_SHORT: the kit is tried on ${chosen.length} of ${Object.keys(breakages).length} broken drivers: ${chosen.join(", ")}.`,
      );
    }
    verdicts = await judge(chosen);
    // What a broken driver fails, it fails every time; what a busy machine fails, it does not.
    const doubted = chosen.filter((name) =>
      always(name, verdicts).some((test) => !foundBy(name).includes(test)),
    );
    if (doubted.length === 0) return;
    for (const [name, { failed, all }] of await judge(doubted, { COORD_TEST_PATIENT: "1" })) {
      const first = verdicts.get(name)?.failed ?? [];
      verdicts.set(name, { failed: failed.filter((test) => first.includes(test)), all });
    }
  }, 300_000);

  test.each(chosen.map((name) => [breakages[name].does, name] as const))("%s", (_, name) => {
    expect(always(name, verdicts)).toEqual(foundBy(name));
    // It was the whole kit.
    expect(verdicts.get(name)?.all).toBeGreaterThan(70);
  });
});

type Name = keyof typeof breakages;

function foundBy(name: Name): string[] {
  return breakages[name].foundBy.toSorted();
}

/** What failed, but for what may or may not. */
function always(name: Name, verdicts: ReadonlyMap<string, Verdict>): string[] {
  const { sometimesBy = [] }: Breakage = breakages[name];
  const failed = verdicts.get(name)?.failed ?? [];
  return failed.filter((test) => !sometimesBy.includes(test)).toSorted();
}

/** Runs the kit on these, in one vitest with a project for each. */
async function judge(
  names: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Map<string, Verdict>> {
  const folder = mkdtempSync(join(tmpdir(), "coord-broken-"));
  const report = join(folder, "report.json");
  const args = ["--config=test/broken/config.ts", "--reporter=json", `--outputFile=${report}`];
  try {
    // The programs of the kit look for the driver's module from there.
    const cwd = join(repository, "packages/testkit");
    const env = { ...environment, COORD_TEST_BROKEN: names.join(","), COORD_TEST_SHORT: "1" };
    const { stdout, stderr } = await childVitest(["run", ...args], { cwd, env });
    return verdictsIn(readFileSync(report, "utf8"), `${stdout}\n${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function verdictsIn(report: string, printed: string): Map<string, Verdict> {
  const { testResults }: { testResults: Module[] } = JSON.parse(report);
  const verdicts = new Map<string, Verdict>();
  for (const { message, assertionResults } of testResults) {
    const [suite] = assertionResults[0]?.ancestorTitles ?? [];
    if (suite === undefined) throw new Error(`The kit did not run: ${message}\n${printed}`);
    const failed = assertionResults
      .filter(({ status }) => status !== "passed")
      .map(({ ancestorTitles: [, ...groups], title }) => [...groups, title].join(" > "));
    const name = suite.replace("the contract, kept by ", "");
    verdicts.set(name, { failed, all: assertionResults.length });
  }
  return verdicts;
}

/** What vitest reports of a file. */
interface Module {
  readonly message: string;
  readonly assertionResults: readonly {
    readonly ancestorTitles: readonly string[];
    readonly title: string;
    readonly status: string;
  }[];
}
