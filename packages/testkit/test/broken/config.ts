import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { breakages } from "./index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const all = Object.keys(breakages) as (keyof typeof breakages)[];
const patient = process.env["COORD_TEST_PATIENT"] !== undefined;
const chosen = process.env["COORD_TEST_BROKEN"]?.split(",") ?? all;

/** The whole kit, on each of the broken drivers. */
export default defineConfig({
  test: {
    // Most of them at once: they wait most of the time.
    maxWorkers: patient ? 2 : 5,
    projects: all
      .filter((name) => chosen.includes(name))
      .map((broken) => ({
        ssr: { resolve: { conditions: ["@coord/source", "node", "import", "default"] } },
        test: {
          name: broken,
          root,
          include: ["test/broken/kit.ts"],
          provide: { broken },
          // What is waited for in vain is not worth the time that a busy machine may take.
          testTimeout: patient ? 10_000 : 2_500,
        },
      })),
  },
});
