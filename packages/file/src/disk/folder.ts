import { mkdirSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { CoordError, type BackendUrl, type Logger } from "@coord/core/driver";
import { failure } from "./failures.js";
import { ownFiles } from "../file-names.js";
import { LockFile } from "./lock-file.js";

/**
 * The folder a URL names: `file:///absolute/path`, `file:relative/to/the/working/folder`, or the
 * default folder for a bare `file:`.
 */
export function folderOf(url: BackendUrl): string {
  const host = url.hosts[0]?.host;
  if (url.username !== undefined || (host !== undefined && host !== "localhost")) {
    throw new CoordError(
      "COORD_BAD_URL",
      "After file:// comes an absolute path, not a host or a user. Write file:///absolute/path, or file:relative/path; ~ is not expanded.",
    );
  }
  if (url.path !== "") return resolve(fromUrl(url.path));
  if (!url.hasAuthority) return defaultFolder();
  throw new CoordError(
    "COORD_BAD_URL",
    "file:// names no folder. Write file:///absolute/path, file:relative/path, or file: for the default folder.",
  );
}

/** On Windows, `file:///C:/x` means `C:/x`. */
export function fromUrl(path: string, platform: NodeJS.Platform = process.platform): string {
  return platform === "win32" ? path.replace(/^\/(?=[a-z]:)/i, "") : path;
}

/** `$COORD_STATE_PATH`, else `coord` in the place for a user's state on this platform. */
export function defaultFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (environment["COORD_STATE_PATH"]) return resolve(environment["COORD_STATE_PATH"]);
  const folder = join(userState(environment, platform, home), "coord");
  if (isAbsolute(folder)) return folder;
  throw new CoordError(
    "COORD_BAD_URL",
    "There is no default folder, because this user has no home. Set COORD_STATE_PATH, or write file:///absolute/path.",
  );
}

function userState(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home: string,
): string {
  if (platform === "darwin") return join(home, "Library", "Application Support");
  if (platform === "win32") return environment["LOCALAPPDATA"] ?? join(home, "AppData", "Local");
  const state = environment["XDG_STATE_HOME"];
  // Relative ones are to be ignored, the XDG Base Directory Specification says.
  return state && isAbsolute(state) ? state : join(home, ".local", "state");
}

/**
 * Makes the folder if it is missing, for this user only, and shows by a file of its own that locks
 * exclude there. Throws COORD_UNAVAILABLE saying what is wrong.
 * @returns its real path.
 */
export function prepareFolder(folder: string, log: Logger): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = realpathSync(folder);
    if (networkFileSystems.has(statfsSync(path).type)) {
      log.warn(
        `${path} is on a network file system, where locks may not exclude other machines. Use a local folder, or a backend made for several machines.`,
      );
    }
    return path;
  } catch (error) {
    throw failure(folder, error);
  }
}

/** Throws COORD_UNAVAILABLE unless locks can be taken in the folder and exclude each other. */
export function proveLocksExclude(folder: string): void {
  const path = join(folder, `${ownFiles.probe}${crypto.randomUUID()}`);
  const opened: LockFile[] = [];
  try {
    // Its name goes before anything else is done: whoever is killed on the way leaves no file.
    opened.push(LockFile.open(path));
    opened.push(LockFile.open(path));
    rmSync(path);
    const [one, other] = opened.map((file) => file.tryLock());
    if (one && !other) return;
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `Locks do not exclude each other on the file system of ${folder}. Choose a folder on another one.`,
    );
  } finally {
    for (const file of opened) file.close();
    rmSync(path, { force: true });
  }
}

// The numbers by which statfs(2) tells NFS, SMB, CIFS, SMB2, AFS, Ceph and 9p.
const networkFileSystems = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x01021997,
]);
