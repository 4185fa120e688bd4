import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The kit's faults, on a driver that is broken. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@coord/source", "node", "import", "default"] } },
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/broken/faults-kit.ts"],
  },
});
