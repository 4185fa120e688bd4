import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { check, fromText, processHistory, save } from "@coord/testkit/history";
import { checkHistories, type HistorySubject, type Line } from "@coord/testkit/history";

/** A backend that keeps nobody out. */
function openDoor(search = ""): HistorySubject {
  return {
    backend: "open door",
    module: new URL(`./history/open-door.mjs${search}`, import.meta.url).href,
    options: { ttl: 600, heartbeat: 200 },
    open: async () => ({
      url: () => "open-door:",
      faults: [],
      leftovers: async () => ({ keys: 3 }),
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** With the folder that was made for it. */
function removeLater(file: string): void {
  expect(file).toMatch(/coord-history-\w+[/\\]history\.jsonl$/);
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
}

function rulesOf(lines: readonly Line[]): Set<string> {
  return new Set(check(lines).map(({ rule }) => rule));
}

test("what processes write down before they are killed shows that nobody was kept out, judged at once or from a file", async () => {
  const lines = await processHistory(openDoor(), { seed: 4, ms: 2_000 });
  const found = rulesOf(lines);
  for (const rule of ["overlap", "tokens", "leftovers"]) expect(found).toContain(rule);

  const file = save(lines);
  removeLater(file);
  expect(check(fromText(readFileSync(file, "utf8")))).toEqual(check(lines));

  const faults = lines.filter((line) => line.event === "fault");
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(["kill", "pause"]));
  for (const { kind, pid, phase, t } of faults) {
    if (kind !== "kill" || phase !== "end") continue;
    const last = lines.findLast((line) => line.pid === pid && line.event !== "fault");
    expect(BigInt(last?.t ?? 0)).toBeLessThan(BigInt(t));
  }
});

test("a violation rejects with the seed, the schedule, the lines and the file", async () => {
  const checked = checkHistories(openDoor(), { seed: 8, count: 1, ms: 1_000 });
  const report = await checked.then(String, (error: Error) => error.message);
  for (const part of ["seed 8", "overlap: hold", '"event":"held"', "The schedule was:"]) {
    expect(report).toContain(part);
  }
  const [file = ""] = /\S+history\.jsonl/.exec(report) ?? [];
  removeLater(file);
  expect(rulesOf(fromText(readFileSync(file, "utf8")))).toContain("overlap");
});

test("a process that ends by itself fails the history, with what it printed", async () => {
  const history = processHistory(openDoor("?dies"), { seed: 2, ms: 500 });
  await expect(history).rejects.toThrow(/exited with code 3/);
});
