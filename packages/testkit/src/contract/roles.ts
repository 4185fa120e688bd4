import { fileURLToPath } from "node:url";

/** What a process that runs `program.ts` does. */
export type Role = "idle" | "stop" | "throw" | "parent" | "child" | "thread";

/** The program as it was built: the same file from `src`, which vitest reads, and from `dist`. */
export const programPath = fileURLToPath(
  new URL("../../dist/contract/program.js", import.meta.url),
);
