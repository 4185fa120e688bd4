import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const version = "7.3.0";
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
/** One for each kind of Node that a compiled package is for. */
const cache = join(modules, ".cache", `native-${version}-${process.versions.modules}`);

/**
 * From now on the processes that this one starts by Node do not inherit the library's sockets, which it
 * does not close on exec: as long as another process has one, its number is of no use for the next.
 */
export function startOthersClean(): Disposable {
  const { execPath } = process;
  const folder = mkdtempSync(join(tmpdir(), "clean-"));
  const file = join(folder, "node");
  const lines = [
    "#!/bin/bash",
    "for fd in /proc/self/fd/*; do",
    '  fd=${fd##*/}; if [ "$fd" -gt 2 ] && [ "$fd" != 255 ] && [ "$fd" != "$NODE_CHANNEL_FD" ]; then eval "exec $fd>&-"; fi',
    "done",
    `exec '${execPath}' "$@"`,
  ];
  writeFileSync(file, lines.join("\n"), { mode: 0o755 });
  process.execPath = file;
  return {
    [Symbol.dispose]: () => {
      process.execPath = execPath;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Sees to it that the optional client is there, compiled for this Node, as a user would have it; the first
 * time that takes a minute. It can only be where Node's headers are, beside it.
 * @returns why it is not there, else an empty string
 */
export function installNative(): string {
  const prefix = dirname(dirname(process.execPath));
  if (!existsSync(join(prefix, "include/node/node.h"))) {
    return `no headers beside Node ${process.versions.node}, to compile it by`;
  }
  const done = join(cache, "done");
  if (!existsSync(done)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, "package.json"), '{ "private": true }');
    const env = { ...process.env, npm_config_nodedir: prefix };
    const args = ["install", "--no-audit", "--no-fund", "--no-save", `zookeeper@${version}`];
    try {
      execFileSync("npm", args, { cwd: cache, env, stdio: "pipe", timeout: 600_000 });
    } catch (cause) {
      const needs = "apt-get install g++ make python3";
      throw new Error(`zookeeper's native client cannot be compiled; it needs: ${needs}`, {
        cause,
      });
    }
    writeFileSync(done, "");
  }
  const link = join(modules, "zookeeper");
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join(cache, "node_modules/zookeeper"), link);
  return "";
}
