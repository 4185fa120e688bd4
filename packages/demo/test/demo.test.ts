import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Demo } from "./running.js";

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "coord demo %20 "));
});

afterAll(async () => {
  await rm(temporary, { recursive: true });
});

const start = (...args: readonly string[]): Demo => new Demo(temporary, args);

describe("the whole demo", () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = start("--processes", "4", "--turns", "5");
    await demo.ended;
  });

  test("loses additions without the lock and none with it", async () => {
    expect(demo.stderr).toBe("");
    expect(await demo.ended).toBe(0);
    expect(demo.stdout).toMatch(/^without a lock: 20 additions, \d+ in the file: \d+ lost$/m);
    expect(demo.stdout).toMatch(/^with the lock: 20 additions, 20 in the file: none lost$/m);
    expect(demo.stdout.match(/^ {2}ok {5}/gm)).toHaveLength(6);
    expect(demo.stdout).not.toContain("FAULT");
    expect(demo.stdout).toMatch(/^ {2}turns {2,}20$/m);
  });

  test("kills the holder, and another takes over with a greater token", () => {
    const killed =
      /^process 2 \(pid \d+\) was killed while it held the lock, with token (\d+)$/m.exec(
        demo.stdout,
      );
    const next = /^process [1345] took over after \d+\.\d ms, with token (\d+)$/m.exec(demo.stdout);
    expect(BigInt(next?.[1] ?? 0)).toBeGreaterThan(BigInt(killed?.[1] ?? 0));
    expect(demo.stdout).toMatch(/^process 5 was started to take its remaining 3 turns$/m);
  });

  test("prints no escape sequences into a pipe", () => {
    expect(demo.stdout).not.toContain("\u001B");
  });

  test("leaves nothing in the temporary folder", async () => {
    expect(await readdir(temporary)).toEqual([]);
  });
});

test("a worker that dies while the others wait for the lock ends the demo", async () => {
  const demo = start("--processes", "3", "--turns", "200");
  const [, pid] = await demo.says(/^3 processes \(pid \d+, \d+, (\d+)\)/m);
  await demo.says(/^process 3: 50 of 200 turns$/m);
  process.kill(Number(pid), "SIGKILL");
  expect(await demo.ended).toBe(1);
  expect(demo.stderr).toBe("demo: process 3 ended unexpectedly: SIGKILL\n");
  expect(await readdir(temporary)).toEqual([]);
});

test("two processes of one turn are enough", async () => {
  const demo = start("--processes", "2", "--turns", "1");
  expect([await demo.ended, demo.stderr]).toEqual([0, ""]);
});

test("a backend that nobody knows is told in one line", async () => {
  const demo = start("nosuch://x");
  expect(await demo.ended).toBe(1);
  expect(demo.stdout).toBe("");
  expect(demo.stderr).toMatch(/^demo: COORD_UNKNOWN_SCHEME: .*nosuch.*\n$/);
  expect(await readdir(temporary)).toEqual([]);
});

test.each([
  ["--processes", "1"],
  ["--processes", "many"],
  ["--turns", "0"],
  ["--turns", "1.5"],
  ["--turns=-1"],
  ["--loud"],
  ["--turns"],
  ["file:", "redis:"],
])("wrong arguments are told in one line: %s %s", async (...args) => {
  const demo = start(...args);
  expect(await demo.ended).toBe(2);
  expect(demo.stdout).toBe("");
  expect(demo.stderr).toMatch(/^demo: .*; --help says more\n$/);
});

test("--help says how to call it", async () => {
  const demo = start("--help");
  expect(await demo.ended).toBe(0);
  expect(demo.stdout).toContain("npm run demo");
});

describe("in the midst of it", () => {
  let demo: Demo;
  let workers: number[];

  beforeEach(async () => {
    demo = start("--processes", "3", "--turns", "100000");
    const [, pids = ""] = await demo.says(/^3 processes \(pid (.*)\), 100000 turns of 4 ms each$/m);
    workers = pids.split(", ").map(Number);
  });

  test("a worker that dies ends the demo", async () => {
    process.kill(workers[2] ?? 0, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.stderr).toBe("demo: process 3 ended unexpectedly: SIGKILL\n");
    expect(await readdir(temporary)).toEqual([]);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it and its workers", async (signal, code) => {
    demo.kill(signal);
    expect(await demo.ended).toBe(code);
    expect(demo.stderr).toBe(`demo: interrupted by ${signal}\n`);
    expect(await readdir(temporary)).toEqual([]);
  });

  test("its workers end when it is killed", async () => {
    demo.kill("SIGKILL");
    expect(await demo.ended).toBe("SIGKILL");
    await rm(temporary, { recursive: true });
    await mkdir(temporary);
  });
});
