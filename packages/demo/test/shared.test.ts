import { mkdir, mkdtemp, readdir, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect } from "@coord/core";
import { file } from "@coord/file";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Demo } from "./running.js";

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "coord demo %20 "));
});

afterAll(async () => {
  await rm(temporary, { recursive: true });
});

describe("with --shared", () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = new Demo(temporary, ["--shared", "--turns", "5"]);
    await demo.ended;
  });

  test("two write and two read, and all is as promised", async () => {
    expect(demo.stderr).toBe("");
    expect(await demo.ended).toBe(0);
    expect(demo.stdout).toMatch(
      /^4 processes \(pid .*\), the first 2 to write, 5 turns of 4 ms each, the others to read$/m,
    );
    expect(demo.stdout).toMatch(/^with readers: 10 additions, 10 in the file: none lost$/m);
    expect(demo.stdout.match(/^ {2}ok {5}/gm)).toHaveLength(7);
    expect(demo.stdout).not.toContain("FAULT");
  });

  test("it can be followed", () => {
    for (const writer of [1, 2]) expect(demo.stdout).toContain(`process ${writer}: 5 of 5 turns\n`);
    for (const reader of [3, 4]) {
      const [, readings] =
        new RegExp(`^process ${reader}: (\\d+) readings$`, "m").exec(demo.stdout) ?? [];
      // Before the first turn and after the last.
      expect(Number(readings)).toBeGreaterThan(5);
    }
    expect(demo.stdout).not.toContain("\u001B");
  });

  test("it tells how often readers were together and how long writers waited", () => {
    expect(demo.stdout).toMatch(/^ {2}turns of writers {2,}10$/m);
    expect(demo.stdout).toMatch(/^ {2}times readers were in together {2,}[1-9]\d*$/m);
    expect(demo.stdout).toMatch(/^ {2}a writer's wait, longest {2,}\d+\.\d ms$/m);
    expect(demo.stdout).toMatch(/^ {2}readings begun during a wait, most {2,}\d+$/m);
  });

  test("it leaves nothing in the temporary folder", async () => {
    expect(await readdir(temporary)).toEqual([]);
  });
});

test("three processes of one turn are enough: one writes", async () => {
  const demo = new Demo(temporary, ["--shared", "--processes", "3", "--turns", "1"]);
  expect([await demo.ended, demo.stderr]).toEqual([0, ""]);
  expect(demo.stdout).toContain(
    ", the first 1 to write, 1 turns of 4 ms each, the others to read\n",
  );
});

test("writers that never get the lock end the demo by its limit, in one line", async () => {
  const folder = join(temporary, "locks");
  await mkdir(folder);
  const backendUrl = pathToFileURL(folder).href;
  await using coordinator = await connect(backendUrl, { drivers: [file] });
  const asked = lockIn(folder);
  const demo = new Demo(temporary, ["--shared", backendUrl, "--turns", "100000", "--limit", "5"]);
  const lock = coordinator.getLock(await asked);
  await using hold = await lock.acquire({ shared: true });
  expect(await demo.ended).toBe(1);
  hold.assertHeld();
  expect(demo.stderr).toMatch(
    /^demo: after 5 s the writers have taken \d+ of 200000 turns, and the readers have read \d+ times: somebody is starved, or the backend is stuck\n$/,
  );
  expect(await readdir(temporary)).toEqual(["locks"]);
  await rm(folder, { recursive: true });
});

/** The name of the one lock in a folder, as soon as somebody asks for it. */
async function lockIn(folder: string): Promise<string> {
  for await (const { filename } of watch(folder)) {
    if (filename !== null && /^demo-[-\da-f]+$/.test(filename)) return filename;
  }
  throw new Error(`${folder} is not watched any more`);
}

test("a backend without shared locks is refused in one line", async () => {
  const core = new URL("../../core/dist/driver.js", import.meta.url);
  const driver = join(temporary, "alone.mjs");
  await writeFile(
    driver,
    `import { endless, register } from "${core.href}";
     const traits = { reach: "process", crashReleaseMs: 0, shared: false };
     const ended = new Promise(() => {});
     const session = { id: "1", traits, lease: endless, beatEvery: Infinity, ended, close: async () => {} };
     register({ name: "alone", schemes: ["alone"], options: {}, open: async () => session });`,
  );
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(driver).href}` };
  const demo = new Demo(temporary, ["--shared", "alone:"], env);
  expect(await demo.ended).toBe(1);
  expect(demo.stdout).toBe("");
  expect(demo.stderr).toBe(
    "demo: alone: has no shared locks; name another backend, or leave --shared out\n",
  );
  await rm(driver);
});

test.each([
  ["--shared", "--processes", "2"],
  ["--shared", "--limit", "0"],
  ["--shared", "--limit", "soon"],
  ["--limit", "5"],
])("wrong arguments are told in one line: %s %s %s", async (...args) => {
  const demo = new Demo(temporary, args);
  expect(await demo.ended).toBe(2);
  expect(demo.stdout).toBe("");
  expect(demo.stderr).toMatch(/^demo: .*; --help says more\n$/);
});
