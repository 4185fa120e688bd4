import { createHash } from "node:crypto";
import { posix, win32 } from "node:path";
import fc, { assert } from "fast-check";
import { describe, expect, test } from "vitest";
import { fileNameOf, ownFiles } from "../src/file-names.js";

const numRuns = process.env["COORD_TEST_SHORT"] ? 5_000 : 100_000;
const seed = Number(process.env["COORD_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
console.info(`Random tests: COORD_TEST_SEED=${seed} repeats them.`);
fc.configureGlobal({ seed, numRuns });

const platforms = ["linux", "darwin", "win32"] as const;

// What matters to file systems, to the encoding and to us, between any other characters.
const pieces = [
  ...Array.from('.-_%/\\:;*?"<>| \0\n~aAeEzZ09'),
  ...Array.from("\u0130\u0131\u00DF\u1E9E\u00E9\u212B\uFB01\u200D\u202E\uFEFF\uFFFD\u{1F600}"),
  "..",
  "/..",
  "../",
  "groups",
  "tmp",
  "con",
  "nul.",
  "com1",
  "lpt9.x",
  ".driver_lock",
  "%2f",
  "%2E",
  "%25",
  "%00",
  "%c3%a9",
  "e\u0301",
  "%sha256-",
  "x".repeat(99),
  "\u00E9".repeat(33),
  ...Object.values(ownFiles),
];
const unit = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...pieces) },
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const name = fc.string({ unit, minLength: 1, maxLength: 6 });

/** The name again: every `%xx` is a byte of it. Only for names that were not shortened. */
function decode(file: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < file.length; at++) {
    if (file[at] !== "%") {
      bytes.push(file.charCodeAt(at));
    } else {
      const digits = file.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/.test(digits)) throw new Error(`not two digits: ${digits}`);
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    }
  }
  return Buffer.from(bytes).toString("utf8");
}

/** Whether the name can be read from the file's name or, where that is too long, checked by its hash. */
function isFileOf(name: string, file: string): boolean {
  if (!file.includes("%sha256-")) return decode(file) === name;
  const hash = createHash("sha256").update(name, "utf8").digest("hex");
  return file.length > 100 && file.endsWith(`%sha256-${hash}`);
}

describe("the file of a lock", () => {
  test("is of this name only, inside the folder, and nobody else's", () => {
    const property = fc.property(name, fc.constantFrom(...platforms), (text, platform) => {
      const file = fileNameOf(text, platform);
      const paths = platform === "win32" ? win32 : posix;
      const isInside = paths.relative("/locks", paths.resolve("/locks", file)) === file;
      const isPlain =
        /^[\w%,=+@-][\w%.,=+@-]*$/.test(file) && !file.endsWith(".") && file.length <= 200;
      const isOurs = Object.values(ownFiles).some((own) => file.includes(own));
      const isTooz = ["groups", "tmp", ".driver_lock"].includes(file);
      const isDevice = platform === "win32" && /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(file);
      return isFileOf(text, file) && isInside && isPlain && !isOurs && !isTooz && !isDevice;
    });
    assert(property);
  });
});

describe("the files of two locks", () => {
  const near = fc.constantFrom<((text: string) => string)[]>(
    (text) => text.toLowerCase(),
    (text) => text.toUpperCase(),
    (text) => text.normalize("NFC"),
    (text) => text.normalize("NFD"),
    (text) => text.normalize("NFKD"),
    (text) => encodeURIComponent(text),
    (text) => encodeURIComponent(text).toLowerCase(),
    (text) => fileNameOf(text, "linux"),
    (text) => fileNameOf(text, "darwin"),
    (text) => text.trim(),
    (text) => text.replace(/^\.+|\.+$/g, ""),
    (text) => posix.normalize(text),
    (text) => `./${text}`,
    (text) => `${text}.`,
    (text) => `${text}/`,
    (text) => `${text}\0`,
    (text) => text.slice(0, -1),
    (text) => text.replaceAll("\\", "/"),
    ...Object.values(ownFiles).map((own) => (text: string) => text + own),
  );
  const pair = fc.oneof(
    fc.tuple(name, near).map(([one, change]) => [one, change(one)] as const),
    fc.tuple(name, name),
  );

  test("differ, also where case or the form of Unicode does not count, and no one is beside another", () => {
    let different = 0;
    const property = fc.property(pair, fc.constantFrom(...platforms), ([one, other], platform) => {
      const [first, second] = [fileNameOf(one, platform), fileNameOf(other, platform)];
      if (one === other) return first === second;
      different++;
      const seen = (file: string): string => {
        return platform === "linux" ? file : file.normalize("NFKC").toLowerCase();
      };
      const beside = Object.values(ownFiles).map((own) => first + own);
      return seen(first) !== seen(second) && !beside.includes(second);
    });
    assert(property);
    expect(different).toBeGreaterThan(numRuns / 2);
  });
});
