import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * Until the test ends it looks as if the program lay in a folder of its own, which has `@coord/file`
 * installed with that source, or nothing at all.
 */
export function pretendProgram(source?: string): void {
  const program = process.argv[1] as string;
  const folder = mkdtempSync(join(tmpdir(), "core-program-"));
  onTestFinished(() => {
    process.argv[1] = program;
    rmSync(folder, { recursive: true });
  });
  process.argv[1] = join(folder, "program.mjs");
  if (source === undefined) return;
  const place = join(folder, "node_modules/@coord/file");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), '{ "exports": "./index.mjs" }');
  writeFileSync(join(place, "index.mjs"), source);
}
