import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const repository = fileURLToPath(new URL("../../..", import.meta.url));

const vitest = join(
  dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
  "vitest.mjs",
);

/** Runs vitest in a process of its own, as from a shell: nothing of this run reaches it. Gives what it printed. */
export function childVitest(
  args: readonly string[],
  { cwd = repository, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<{ stdout: string; stderr: string }> {
  const ours =
    /^(VITEST|VITE_|COORD_TEST_|NODE_ENV$|NODE_OPTIONS$|NODE_V8_COVERAGE$|TEST$|DEV$|PROD$|SSR$)/;
  const outside = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, ...args], {
      cwd,
      env: { ...Object.fromEntries(outside), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", () => resolve({ stdout, stderr }));
  });
}
