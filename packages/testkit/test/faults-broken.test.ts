import { join } from "node:path";
import { expect, test } from "vitest";
import { childVitest, repository } from "./child-vitest.js";

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

test("a driver whose holders rely on a lease after its end is found by the margins, and by nothing that is no matter of time", async () => {
  const cwd = join(repository, "packages/testkit");
  const some =
    "breaks for longer|holder that is paused beyond|may have a listener|are all different";
  const config = "--config=test/broken/faults-config.ts";
  const { stdout, stderr } = await childVitest(["run", config, "--reporter=json", "-t", some], {
    cwd,
  });
  const start = stdout.indexOf('{"num');
  if (start < 0) throw new Error(`vitest reported nothing:\n${stdout}\n${stderr}`);
  const { testResults }: Report = JSON.parse(stdout.slice(start));
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed" || status === "failed");
  const failed = ran.filter(({ status }) => status === "failed");
  expect(ran).toHaveLength(4);
  expect(failed).toEqual([
    expect.objectContaining({ title: expect.stringMatching(/^that breaks for longer/) }),
  ]);
  expect(failed[0]?.failureMessages.join("\n")).toMatch(
    /from the (last holder's last moment|signal) to the next/,
  );
}, 60_000);
