import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const version = "7.3.0";
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
/** One for each kind of Node that a compiled package is for. */
const cache = join(modules, ".cache", `native-${version}-${process.versions.modules}`);

/**
 * Sees to it, where COORD_TEST_NATIVE says so, that the optional client is there, compiled for this Node, as a user would have it. The
 * first time that takes minutes. Gives why it is not.
 */
export function installNative(): string | undefined {
  if (!process.env["COORD_TEST_NATIVE"]) return "COORD_TEST_NATIVE=1 does";
  const prefix = dirname(dirname(process.execPath));
  const done = join(cache, "done");
  if (!existsSync(done)) {
    if (!existsSync(join(prefix, "include/node/node.h"))) return "this Node has no headers";
    try {
      mkdirSync(cache, { recursive: true });
      writeFileSync(join(cache, "package.json"), '{ "private": true }');
      const env = { ...process.env, npm_config_nodedir: prefix };
      const args = ["install", "--no-audit", "--no-fund", "--no-save", `zookeeper@${version}`];
      execFileSync("npm", args, { cwd: cache, env, stdio: "pipe", timeout: 600_000 });
      writeFileSync(done, "");
    } catch (error) {
      return `it cannot be compiled: ${String(error).split("\n")[0]}`;
    }
  }
  const link = join(modules, "zookeeper");
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join(cache, "node_modules/zookeeper"), link);
  return undefined;
}
