import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { file } from "@coord/file";
import { testDriver } from "@coord/testkit";
import { temporaryFolder, urlOf } from "./place.js";

testDriver({
  driver: file,
  module: "@coord/file",
  url: () => urlOf(temporaryFolder()),
  faults: { revoke: (url, name) => unlink(join(fileURLToPath(url), name)) },
});
