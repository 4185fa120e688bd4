import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import "@coord/file";
import { lock } from "proper-lockfile";
import type { Backend, Subject } from "../backend.js";
import { coord } from "./coord.js";
import { FileFloor } from "./file-floor.js";

const floor: Subject = {
  name: "floor",
  how: "`fs-native-extensions` by hand: open, lock, write the process's number, unlock, close; who waits tries again every 1 ms; no token, no record of holders, no gate, no watch",
  open: async (address) => new FileFloor(fileURLToPath(address)),
};

const properLockfile: Subject = {
  name: "proper-lockfile",
  how: "4.1.2, `lock(file, { realpath: false })`; who waits tries again every 1 ms, which is not its default: that is not to wait at all",
  shortestTtl: 2_000,
  open: async (address, { ttl }) => {
    const folder = fileURLToPath(address);
    const options = {
      realpath: false,
      retries: { forever: true, factor: 1, minTimeout: 1, maxTimeout: 1 },
      ...(ttl === undefined ? {} : { stale: ttl }),
    };
    return {
      lock: (name) => {
        const path = join(folder, name);
        return () => lock(path, options);
      },
      close: async () => {},
    };
  },
};

/** Lock files in a temporary folder. */
export const file: Backend = {
  name: "file",
  subjects: [coord, floor, properLockfile],
  inapplicable: {},
  setUp: async () => {
    const folder = await mkdtemp(join(tmpdir(), "coord-bench-"));
    return {
      address: pathToFileURL(folder).href,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  },
};
