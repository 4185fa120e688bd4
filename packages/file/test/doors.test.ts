import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "./place.js";

const packages = fileURLToPath(new URL("../..", import.meta.url));

/** A program's folder, with some of our packages in its node_modules. */
function project(install: { core: "linked" | "copied"; file: boolean }): string {
  const folder = temporaryFolder();
  const scope = join(folder, "node_modules", "@coord");
  mkdirSync(scope, { recursive: true });
  if (install.core === "linked") symlinkSync(join(packages, "core"), join(scope, "core"));
  else {
    for (const part of ["package.json", "dist"]) {
      cpSync(join(packages, "core", part), join(scope, "core", part), { recursive: true });
    }
  }
  if (install.file) symlinkSync(join(packages, "file"), join(scope, "file"));
  return folder;
}

/** Runs a program in the folder, whose locks are below it; gives what it printed. */
function run(folder: string, program: string): string {
  const path = join(folder, "program.mjs");
  writeFileSync(path, program);
  // pnpm's commands set NODE_PATH to a place where all packages are.
  const { NODE_PATH: _, ...environment } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, [path], {
    cwd: dirname(folder),
    env: { ...environment, COORD_STATE_PATH: join(folder, "state") },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.trim();
}

const lock = `
const coordinator = await connect();
const hold = await coordinator.getLock("x").acquire();
console.log(typeof hold.token);
await hold.release();
await coordinator.stop();
`;
const refused = `
await connect(process.env.URL ?? "file:").then(() => console.log("connected"), (error) => {
  console.log(error.code + " " + error.message);
});
`;

describe("a driver is found", () => {
  test("when it is imported, also by a program with a core of its own", () => {
    const program = `import { connect } from "@coord/core"; import "@coord/file"; ${lock}`;
    expect(run(project({ core: "linked", file: true }), program)).toBe("bigint");
    expect(run(project({ core: "copied", file: true }), program)).toBe("bigint");
  });

  test("when it is not, beside core or beside the program", () => {
    const program = `import { connect } from "@coord/core"; ${lock}`;
    expect(run(project({ core: "copied", file: true }), program)).toBe("bigint");
    // A linked core sees no drivers from where it really is.
    expect(run(project({ core: "linked", file: true }), program)).toBe("bigint");
  });

  test("when it is given, without being registered", () => {
    const program = `
      import { Coordinator } from "@coord/core";
      import { file } from "@coord/file";
      const other = { ...file, name: "other", schemes: ["other"] };
      const connect = async () => {
        const coordinator = new Coordinator({ backendUrl: "other:", drivers: [other] });
        await coordinator.start();
        return coordinator;
      };
      ${lock}`;
    expect(run(project({ core: "copied", file: true }), program)).toBe("bigint");
  });
});

describe("a driver is not found", () => {
  test("when its package is not installed: COORD_DRIVER_MISSING says what to install", () => {
    const program = `import { connect } from "@coord/core"; ${refused}`;
    expect(run(project({ core: "copied", file: false }), program)).toMatch(
      /^COORD_DRIVER_MISSING .*npm install @coord\/file/,
    );
  });

  test("when its package cannot be loaded: COORD_DRIVER_MISSING says why", () => {
    const folder = project({ core: "copied", file: false });
    const broken = join(folder, "node_modules", "@coord", "file");
    mkdirSync(broken);
    writeFileSync(join(broken, "package.json"), '{"type":"module","exports":"./index.js"}');
    writeFileSync(join(broken, "index.js"), 'throw new Error("half installed");');
    const program = `import { connect } from "@coord/core"; ${refused}`;
    expect(run(folder, program)).toMatch(/^COORD_DRIVER_MISSING .*half installed/);
    writeFileSync(join(broken, "index.js"), "");
    expect(run(folder, program)).toMatch(/^COORD_DRIVER_MISSING .*did not register "file:"/);
  });

  test("when nobody serves the scheme: COORD_UNKNOWN_SCHEME lists those that are served", () => {
    const program = `process.env.URL = "nosuch://user:secret@host";
      import { connect } from "@coord/core"; ${refused}`;
    const said = run(project({ core: "copied", file: false }), program);
    expect(said).toMatch(/^COORD_UNKNOWN_SCHEME .*"nosuch:".*"file:"/);
    expect(said).not.toContain("secret");
  });
});

test("a program that is idle ends by itself, one that holds or waits does not", () => {
  const folder = project({ core: "linked", file: true });
  const start = `import { connect } from "@coord/core"; const coordinator = await connect();
    const lock = coordinator.getLock("x"); process.on("exit", () => console.log("exit"));`;
  expect(run(folder, `${start} await (await lock.acquire()).release();`)).toBe("exit");
  const holding = `${start} const hold = await lock.acquire();
    setTimeout(() => { console.log("still here"); hold.release(); }, 300).unref();`;
  expect(run(folder, holding)).toBe("still here\nexit");
  const waiting = `${start} const other = await connect(); const hold = await other.getLock("x").acquire();
    lock.acquire().then((next) => { console.log("got it"); return next.release(); });
    setTimeout(() => hold.release(), 300).unref();`;
  expect(run(folder, waiting)).toBe("got it\nexit");
});
