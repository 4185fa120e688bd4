import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkHistories } from "@coord/testkit/history";
import { expect, test } from "vitest";
import { temporaryFolder, urlOf } from "./place.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const [count, ms] = short ? [1, 2_000] : [2, 5_000];
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));

/** Of two one has an odd seed, in which lock files are removed, too. */
test(`histories of processes that are killed and stopped have no violation, ${count} seeds from ${seed} on`, async () => {
  const subject = {
    backend: "file",
    module: "@coord/file",
    // Nothing ends by time here; it says how long processes stand still.
    options: { ttl: 600, heartbeat: 200 },
    open: async () => {
      const url = urlOf(temporaryFolder());
      const remove = async ({ name }: { name: string }): Promise<void> => {
        // Nobody has asked for it yet.
        await unlink(join(fileURLToPath(url), name)).catch(() => {});
      };
      return {
        url: () => url,
        faults: [{ kind: "removal", class: "revoked", of: "name", begin: remove }] as const,
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
  const { turns, faults, margins } = await checkHistories(subject, { seed, count, ms });
  // Without any they would show nothing.
  expect(turns).toBeGreaterThan(20);
  expect(faults.size).toBeGreaterThan(0);
  for (const each of margins.values()) expect(Math.min(...each)).toBeGreaterThan(0);
}, 90_000);
