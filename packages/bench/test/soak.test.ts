import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const program = fileURLToPath(new URL("../dist/soak.js", import.meta.url));

/** Runs it as from a shell, in a folder that is its own and for its temporary files, too. */
function soak(args: readonly string[], folder = temporaryFolder()) {
  const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
  return spawnSync(process.execPath, [program, ...args], { cwd: folder, env, encoding: "utf8" });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coord-soak-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test.each([
  [[], "Name one backend"],
  [["nothing"], "Name one of memory, file, etcd, redis, postgres, zookeeper, or give a backendUrl"],
  [["memory", "--seeds", "0"], "--seeds must be a whole number from 1"],
  [["memory", "--seeds", "1", "--minutes", "1"], "either --minutes or --seeds"],
  [["memory", "--minutes", "x"], "--minutes must be a number above 0"],
  [["memory", "--often"], "Unknown option '--often'"],
  [["nobodys:x"], "Name it with --module"],
  [["--check", "missing"], "missing cannot be judged"],
  [["--check", "missing", "--seed", "1"], "Leave out the rest"],
  [["memory", "--save", "missing"], "--save names no folder"],
])("%j is refused with 2, and what to write instead", (args, message) => {
  const { status, stdout, stderr } = soak(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(message);
  expect(stderr).toContain("npm run soak -- <backend or backendUrl>");
});

test("histories of memory: are played and summed up; the progress is not in the summary", () => {
  const { status, stdout, stderr } = soak(["memory", "--seeds", "4", "--seed", "2"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^4 histories: \d+ requests, \d+ turns/);
  expect(stdout).toMatch(/From the last passed assertHeld\(\) to the next grant, after .*: min /);
  expect(stderr).toMatch(/seed 2, 0 histories/);
});

test("histories of lock files leave nothing in the folder for temporary files", () => {
  const folder = temporaryFolder();
  const { status, stdout } = soak(["file", "--seeds", "1", "--seed", "2"], folder);
  expect(stdout).toMatch(/^1 histories: .*Faults: .*(kill|pause)/s);
  expect(status).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
}, 60_000);

test("a saved history is judged again, with the seed, the schedule and the lines of what is wrong", () => {
  const folder = temporaryFolder();
  const limits = { patienceMs: 1, recoverMs: 1, waitMs: 1 };
  const about = { backend: "toy", seed: 77, fair: true, limits, schedule: ["at 5 ms: kill"] };
  const of = { hold: 1, name: "x", mode: "exclusive" };
  const holdOf = (pid: number): object[] => [
    { t: "1", pid, ...of, event: "ask", wait: null },
    { t: "2", pid, ...of, event: "granted", sent: "1", token: String(pid) },
    { t: String(10 + pid), pid, ...of, event: "held" },
    { t: String(20 + pid), pid, ...of, event: "held" },
    { t: String(30 + pid), pid, ...of, event: "release" },
  ];
  const begin = { t: "0", pid: 0, event: "begin", ...about };
  const write = (name: string, lines: readonly object[]): void => {
    writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
  write("good", [begin, ...holdOf(1)]);
  write("bad", [begin, ...holdOf(1), ...holdOf(2)]);

  const good = soak(["--check", "good"], folder);
  expect(good.stdout).toContain("no violation");
  expect(good.status).toBe(0);
  const bad = soak(["--check", "bad"], folder);
  for (const part of [
    "seed 77",
    "overlap: hold 1 of process 2",
    "at 5 ms: kill",
    '"event":"held"',
  ]) {
    expect(bad.stdout).toContain(part);
  }
  expect(bad.status).toBe(1);
});
