import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { oneLine, type Report, type Work } from "../src/messages.js";

const program = fileURLToPath(new URL("../dist/worker.js", import.meta.url));

/** What a worker says of this work, and the code it ends with. */
async function work(change: Partial<Work>): Promise<{ reports: Report[]; code: unknown }> {
  const worker = fork(program, { execArgv: [], serialization: "advanced" });
  const reports: Report[] = [];
  worker.on("message", (report: Report) => reports.push(report));
  worker.send({ kind: "work", counter: "no such file", turns: 1, ...change } satisfies Work);
  worker.send({ kind: "go" });
  const [code]: unknown[] = await once(worker, "close");
  return { reports, code };
}

test("tells why it cannot connect, in one line with the code, and ends", async () => {
  const { reports, code } = await work({ lock: { backendUrl: "nosuch://x", name: "any" } });
  expect(reports).toEqual([
    { kind: "failed", message: expect.stringMatching(/^COORD_UNKNOWN_SCHEME: .*nosuch.*$/) },
  ]);
  expect(code).toBe(1);
});

test("tells why it cannot count", async () => {
  const { reports, code } = await work({});
  expect(reports).toEqual([
    { kind: "ready" },
    { kind: "failed", message: expect.stringContaining("ENOENT") },
  ]);
  expect(code).toBe(1);
});

test("an error of several lines becomes one", () => {
  expect(oneLine(new Error("first\n  second"))).toBe("first second");
});
