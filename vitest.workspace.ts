import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { backends, chosen } from "./packages/testkit/src/backends.ts";

// Tests read the packages' sources; the processes they start run the build.
// Not "import": what CommonJS requires would be loaded as ESM then. It is always there for imports.
const conditions = ["@coord/source", "node"];

// pnpm's commands set it to a place where all packages are: tests of what is not installed would find it.
delete process.env.NODE_PATH;

// What is no backend is always tested.
const tested = chosen(backends, process.env.COORD_TEST_ONLY);
const others = backends.filter((backend) => !tested.includes(backend));
const leftOut = new Set(others.map(({ name }) => name));
const only = process.env.COORD_TEST_ONLY && tested.map(({ name }) => name).join(",");

const projects = readdirSync("packages", { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !leftOut.has(entry.name))
  .map(({ name }) => {
    const root = resolve("packages", name);
    const setup = resolve(root, "test/global-setup.ts");
    return {
      ssr: { resolve: { conditions } },
      test: {
        name,
        root,
        include: ["test/**/*.test.ts"],
        globalSetup: existsSync(setup) ? [setup] : [],
        setupFiles: [resolve("scripts/in-package.mjs")],
        provide: { packageFolder: root },
        testTimeout: 30_000,
        hookTimeout: 60_000,
      },
    };
  });

export default defineConfig({
  test: {
    projects,
    // Most of what tests do is to wait.
    maxWorkers: 3,
    reporters: ["default", ["./scripts/plain-reporter.mjs", { only }]],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**"],
      exclude: ["packages/{demo,bench}/**"],
    },
  },
});
