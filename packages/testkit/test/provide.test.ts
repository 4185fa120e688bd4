import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chosen, type Backend } from "../src/backends.js";
import { plan, type Machine } from "../src/plan.js";

const paper: Backend = {
  name: "paper",
  needs: [
    { find: "pen", package: "pens" },
    { find: "/usr/share/ink", package: "inks" },
  ],
};
const stone: Backend = { name: "stone", needs: [{ find: "chisel", package: "tools" }] };
const air: Backend = { name: "air", needs: [] };
const all = [paper, stone, air];

function machine(
  there: readonly string[],
  env: Machine["env"] = {},
  root: "" | "sudo -n " | "no way" = "",
): Machine {
  const asRoot = () => (root === "no way" ? undefined : root);
  return { backends: all, env, has: (find) => there.includes(find), asRoot };
}

describe("what is chosen", () => {
  test("is everything unless COORD_TEST_ONLY names some", () => {
    expect(chosen(all, undefined)).toEqual(all);
    expect(chosen(all, "")).toEqual(all);
    expect(chosen(all, " stone, paper,")).toEqual([paper, stone]);
  });

  test("must be known", () => {
    expect(() => chosen(all, "paper,glass,Stone")).toThrow(
      `COORD_TEST_ONLY names no backend by "glass", "Stone". Use one or more of: paper,stone,air`,
    );
  });
});

describe("the plan", () => {
  test("is nothing when everything is there", () => {
    const there = ["pen", "/usr/share/ink", "chisel", "apt-get"];
    expect(plan(machine(there))).toEqual({ do: "nothing" });
  });

  test("is nothing for backends that are not chosen", () => {
    const env = { COORD_TEST_ONLY: "paper,air" };
    expect(plan(machine(["apt-get", "pen", "/usr/share/ink"], env))).toEqual({ do: "nothing" });
  });

  test("is one installation of all that is missing", () => {
    expect(plan(machine(["apt-get", "pen"]))).toEqual({
      do: "install",
      command: "apt-get update && apt-get install -y --no-install-recommends inks tools",
    });
    expect(plan(machine(["apt-get", "pen", "/usr/share/ink"], {}, "sudo -n "))).toEqual({
      do: "install",
      command: "sudo -n apt-get update && sudo -n apt-get install -y --no-install-recommends tools",
    });
  });

  test.for<[string, Machine, boolean]>([
    ["there is no apt-get", machine(["pen"], {}, "no way"), true],
    ["nobody may use it", machine(["apt-get", "pen"], {}, "no way"), true],
    ["it did not help", machine(["apt-get", "pen"], {}, "sudo -n "), false],
  ])("is to fail, saying what brings what is missing, when %s", ([, where, mayInstall]) => {
    expect(plan(where, mayInstall)).toEqual({
      do: "fail",
      message: [
        "The tests of paper need /usr/share/ink, missing here.",
        "The tests of stone need chisel, missing here.",
        "On Debian this line brings what is missing:",
        "  sudo apt-get update && sudo apt-get install -y --no-install-recommends inks tools",
        "Or test less, with COORD_TEST_ONLY.",
      ].join("\n"),
    });
  });

  test("is to fail for an unknown backend", () => {
    const message = expect.stringContaining("paper,stone,air");
    expect(plan(machine([], { COORD_TEST_ONLY: "glass" }))).toEqual({ do: "fail", message });
  });
});

describe("the program", () => {
  const program = fileURLToPath(new URL("../dist/provide.js", import.meta.url));
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coord-provide-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs it on a machine that has only what is in the folder, for a backend that needs `<folder>/brush`. */
  function provide(env: Record<string, string> = {}) {
    const needs = [{ find: join(folder, "brush"), package: "brushes" }];
    const list = join(folder, "backends.json");
    writeFileSync(list, JSON.stringify([{ name: "canvas", needs }]));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, list], {
      encoding: "utf8",
      env: { PATH: folder, ...env },
    });
    return { status, stdout, stderr };
  }

  function script(name: string, text: string): void {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }

  test("is silent when nothing is missing", () => {
    writeFileSync(join(folder, "brush"), "");
    expect(provide()).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("fails where nothing can be installed", () => {
    const { status, stdout, stderr } = provide();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(`The tests of canvas need ${join(folder, "brush")}, missing here.`);
    expect(stderr).toContain("apt-get install -y --no-install-recommends brushes");
    expect(stderr).toContain("COORD_TEST_ONLY");
  });

  test("fails for an unknown backend", () => {
    const { status, stderr } = provide({ COORD_TEST_ONLY: "glass" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/"glass".*canvas\n$/);
  });

  // Whoever runs this test is root or finds a sudo that lets anybody.
  test("installs once, saying so, what is missing", () => {
    script("sudo", `shift; "$@"`);
    script("apt-get", `echo "did $*"; [ "$1" = update ] || : > "${folder}/brush"`);
    const { status, stdout, stderr } = provide();
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(
        /apt-get update && .*apt-get install -y --no-install-recommends brushes$/,
      ),
      "did update",
      "did install -y --no-install-recommends brushes",
      "",
    ]);
    expect(existsSync(join(folder, "brush"))).toBe(true);
  });

  test("fails when the installation did not bring it", () => {
    script("sudo", `shift; "$@"`);
    script("apt-get", `echo "did $1"; exit 100`);
    const { status, stderr } = provide();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^.*apt-get update[^]*did update\nThe tests of canvas need/);
    expect(stderr).not.toContain("did install");
  });
});
