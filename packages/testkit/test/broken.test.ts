import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Breakage } from "./broken/breakage.js";
import { breakages } from "./broken/index.js";
import { childVitest, repository } from "./child-vitest.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const chosen = Object.keys(breakages).slice(0, short ? 2 : undefined) as (keyof typeof breakages)[];

interface Verdict {
  readonly failed: string[];
  readonly passed: number;
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
  }, 180_000);

  test.each(chosen.map((name) => [breakages[name].does, name] as const))("%s", (_, name) => {
    const { failed, passed } = verdicts.get(name) ?? { failed: [], passed: 0 };
    const { foundBy, sometimesBy = [] }: Breakage = breakages[name];
    const always = failed.filter((test) => !sometimesBy.includes(test));
    expect(always.toSorted()).toEqual(foundBy.toSorted());
    // It was the whole kit.
    expect(passed + failed.length).toBeGreaterThan(70);
  });
});

/** Runs the kit on these, in one vitest with a project for each. */
async function judge(names: readonly string[]): Promise<Map<string, Verdict>> {
  const folder = mkdtempSync(join(tmpdir(), "coord-broken-"));
  const report = join(folder, "report.json");
  const args = ["--config=test/broken/config.ts", "--reporter=json", `--outputFile=${report}`];
  try {
    // The programs of the kit look for the driver's module from there.
    const cwd = join(repository, "packages/testkit");
    const env = { COORD_TEST_BROKEN: names.join(","), COORD_TEST_SHORT: "1" };
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
    const passed = assertionResults.length - failed.length;
    verdicts.set(suite.replace("the contract, kept by ", ""), { failed, passed });
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
