// The public API as it is written down in packages/<name>/etc, a file for each entry of `exports`:
//
//     node scripts/api.mjs           fails when it is another
//     node scripts/api.mjs --write   writes it down anew
//
// It is read from the build. What is marked @internal is no API and not in it.
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const root = join(import.meta.dirname, "..");
const write = process.argv.includes("--write");
const changed = entries().filter((entry) => !isAsWritten(entry));

if (changed.length > 0) {
  const files = changed.map(({ report }) => relative(root, report)).join(", ");
  console.error(
    `The public API is not the one written down in ${files}. If it is meant to be another, run "npm run api" and commit what that changes.`,
  );
  process.exitCode = 1;
}

/** What users can import and what has types, of all packages that are published. */
function entries() {
  return readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (manifest.private) return [];
      return Object.entries(manifest.exports)
        .filter(([, { types }]) => types !== undefined)
        .map(([path, { types }]) => {
          const name = path === "." ? "index" : path.slice(2);
          return { folder, name, types, report: join(folder, "etc", `${name}.public.api.md`) };
        });
    });
}

function isAsWritten({ folder, name, types, report }) {
  mkdirSync(join(folder, "etc"), { recursive: true });
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      compiler: { overrideTsconfig: { extends: "../../tsconfig.base.json", files: [types] } },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportVariants: ["public"],
        reportFolder: join(folder, "etc"),
        reportTempFolder: join(root, "node_modules/.cache/api", relative(root, folder)),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        extractorMessageReporting: {
          "ae-missing-release-tag": { logLevel: "none" },
          // What drivers see of an entry for users is exported by the other one.
          "ae-forgotten-export": { logLevel: "none" },
        },
      },
    },
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: write,
    // What there is to say of a change is said above.
    messageCallback: (message) => {
      message.handled = message.logLevel !== "error";
    },
  });
  if (!succeeded && !apiReportChanged) throw new Error(`No report ${report} could be made.`);
  return succeeded;
}
