import { createHash } from "node:crypto";

const longest = 200;

/** Files of ours beside the lock files: no lock's file can have such a name, because in those two hexadecimal digits follow every `%`. */
export const ownFiles = {
  info: "%info",
  queue: "%queue",
  gate: "%gate",
  probe: "%probe-",
} as const;

/**
 * The file name for a lock's name: the same where that is simple, otherwise with everything but
 * ASCII letters, digits and `_ . , = + @ -` as the `%xx` of its UTF-8 bytes. Different names have
 * different files, also where the file system ignores case or normalizes Unicode. No name gives a
 * hidden file, `groups` or `tmp`, which belong to Tooz. A file name that would be longer than 200
 * bytes ends, after its first 100, in `%sha256-` and the hash of the lock's name.
 */
export function fileNameOf(name: string, platform: NodeJS.Platform = process.platform): string {
  const unsafe = platform === "linux" ? /[^A-Za-z0-9_.,=+@-]/gu : /[^a-z0-9_.,=+@-]/gu;
  const escaped = name.replace(unsafe, escape).replace(/^\.|\.$/g, escape);
  const file = reserved(escaped, platform)
    ? escape(escaped.slice(0, 1)) + escaped.slice(1)
    : escaped;
  if (file.length <= longest) return file;
  const hash = createHash("sha256").update(name, "utf8").digest("hex");
  return `${file.slice(0, 100)}%sha256-${hash}`;
}

function escape(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("");
}

function reserved(file: string, platform: NodeJS.Platform): boolean {
  if (file === "groups" || file === "tmp") return true;
  return platform === "win32" && /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(file);
}
