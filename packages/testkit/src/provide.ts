/**
 * Sees to it that the servers and programs the tests need are on the machine:
 *
 *     node provide.js [<file with backends as JSON, in place of this repository's>]
 *
 * Silent when they are; where Debian's packages can be installed, it prints and runs the one line
 * that does; otherwise it says what is missing and exits with code 1. See `plan()`. All that it and
 * the installation print goes to stderr.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { backends } from "./backends.js";
import { plan, type Machine } from "./plan.js";

// Debian's folders for servers are on root's PATH only, and PostgreSQL's on nobody's.
const path = process.env["PATH"]?.split(delimiter).filter((folder) => folder !== "") ?? [];
const folders = [...path, "/usr/local/sbin", "/usr/sbin", ...versionsIn("/usr/lib/postgresql")];

const [list] = process.argv.slice(2);
const machine: Machine = {
  backends: list === undefined ? backends : JSON.parse(readFileSync(list, "utf8")),
  env: process.env,
  has: (find) =>
    isAbsolute(find)
      ? can(find, constants.F_OK)
      : folders.some((folder) => can(join(folder, find), constants.X_OK)),
  asRoot: () => {
    if (process.getuid?.() === 0) return "";
    return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0
      ? "sudo -n "
      : undefined;
  },
};

let next = plan(machine);
if (next.do === "install") {
  console.error(next.command);
  spawnSync(next.command, {
    shell: true,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  next = plan(machine, false);
}
if (next.do === "fail") {
  console.error(next.message);
  process.exitCode = 1;
}

function versionsIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((version) => join(folder, version, "bin"));
  } catch {
    return [];
  }
}

function can(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
