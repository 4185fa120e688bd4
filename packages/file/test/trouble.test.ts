import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { file } from "@coord/file";
import { connect, type Coordinator } from "@coord/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { failure } from "../src/disk/failures.js";
import { temporaryFolder, urlOf } from "./place.js";

async function started(folder: string): Promise<Coordinator> {
  const coordinator = await connect(urlOf(folder), { drivers: [file] });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** The COORD_UNAVAILABLE that says so. */
function unavailable(...words: string[]): object {
  const message = new RegExp(words.map((word) => `(?=.*${word})`).join(""), "s");
  return { code: "COORD_UNAVAILABLE", message: expect.stringMatching(message) };
}

/** Root may do everything: makes this process a common user's until the test ends. */
function withoutPrivileges(): void {
  if (process.geteuid?.() !== 0) return;
  process.setegid?.(65_534);
  process.seteuid?.(65_534);
  onTestFinished(() => {
    process.seteuid?.(0);
    process.setegid?.(0);
  });
}

/**
 * A small file system of its own, where this process may mount one; elsewhere undefined, which the
 * run says in a line.
 */
function mounted(options: string): string | undefined {
  const folder = temporaryFolder();
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  if (mount.status !== 0) {
    console.info(`file: no file system could be mounted with ${options}; its error is made up.`);
    return undefined;
  }
  onTestFinished(() => void spawnSync("umount", ["-l", folder]));
  return folder;
}

describe("a folder", () => {
  test("that is missing is made, with those above it, for this user only", async () => {
    const folder = join(temporaryFolder(), "a", "b");
    const coordinator = await started(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await (await coordinator.getLock("x").acquire()).release();
  });

  test("is left as it was by a start and a stop", async () => {
    const folder = temporaryFolder();
    await (await started(folder)).stop();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that is a file is refused", async () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "");
    await expect(started(path)).rejects.toMatchObject(unavailable(path, "a file, not a folder"));
    const below = join(path, "below");
    await expect(started(below)).rejects.toMatchObject(unavailable(below, "a file, not a folder"));
  });

  test("in which this user may not write is refused", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    withoutPrivileges();
    await expect(started(folder)).rejects.toMatchObject(unavailable(folder, "no permission"));
  });

  test("that cannot be made is refused", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    withoutPrivileges();
    const missing = join(folder, "missing");
    await expect(started(missing)).rejects.toMatchObject(unavailable(missing, "no permission"));
  });

  test("on a file system that is read-only is refused", async () => {
    const folder = mounted("ro");
    if (!folder) {
      const error = Object.assign(new Error("EROFS"), { code: "EROFS" });
      expect(failure("/f", error)).toMatchObject(unavailable("/f", "read-only"));
      return;
    }
    await expect(started(folder)).rejects.toMatchObject(unavailable(folder, "read-only"));
  });

  test("on a full disk is refused when it starts, and locks are when it gets full later", async () => {
    const folder = mounted("size=64k,nr_inodes=8");
    if (!folder) {
      const error = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      expect(failure("/f", error)).toMatchObject(unavailable("/f", "disk is full"));
      return;
    }
    const coordinator = await started(folder);
    await (await coordinator.getLock("before").acquire()).release();
    const filler = join(folder, "filler");
    expect(() => writeFileSync(filler, Buffer.alloc(128 * 1024))).toThrow(/ENOSPC/);
    const lock = coordinator.getLock("after");
    await expect(lock.acquire()).rejects.toMatchObject(unavailable(folder, "disk is full"));
    rmSync(filler);
    await (await lock.acquire()).release();
    for (let file = 0; file < 8; file++) {
      try {
        writeFileSync(join(folder, `filler${file}`), "");
      } catch {
        break;
      }
    }
    const other = connect(urlOf(folder), { drivers: [file] });
    await expect(other).rejects.toMatchObject(unavailable(folder, "disk is full"));
  });

  test("that is removed while it is used is made again for the next lock", async () => {
    const folder = join(temporaryFolder(), "locks");
    const coordinator = await started(folder);
    rmSync(folder, { recursive: true });
    await (await coordinator.getLock("x").acquire()).release();
    expect(existsSync(folder)).toBe(true);
  });
});

describe("a lock file", () => {
  test("that is a link, wherever it leads, is refused and not followed", async () => {
    const [folder, outside] = [temporaryFolder(), join(temporaryFolder(), "outside")];
    symlinkSync(outside, join(folder, "x"));
    const lock = (await started(folder)).getLock("x");
    await expect(lock.acquire()).rejects.toMatchObject(unavailable("symbolic link", "Remove it"));
    expect(existsSync(outside)).toBe(false);
  });

  test("whose file of records is a link is refused, and given back", async () => {
    const [folder, outside] = [temporaryFolder(), join(temporaryFolder(), "outside")];
    symlinkSync(outside, join(folder, "x%info"));
    const lock = (await started(folder)).getLock("x");
    await expect(lock.acquire()).rejects.toMatchObject(unavailable("symbolic link"));
    expect(existsSync(outside)).toBe(false);
    rmSync(join(folder, "x%info"));
    await (await lock.acquire({ timeout: 0 })).release();
  });

  test("that is a folder is refused", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "x"));
    const lock = (await started(folder)).getLock("x");
    await expect(lock.acquire()).rejects.toMatchObject(unavailable("it is a folder"));
  });

  test("of another user, who gave no permission, is refused", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, "x"), "", { mode: 0o600 });
    chmodSync(join(folder, "x"), process.geteuid?.() === 0 ? 0o600 : 0o000);
    withoutPrivileges();
    const lock = (await started(folder)).getLock("x");
    await expect(lock.acquire()).rejects.toMatchObject(unavailable("no permission"));
  });

  test("of another user, who gave permission, is locked, and its content left alone", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    const path = join(folder, "x");
    writeFileSync(path, "theirs");
    chmodSync(path, 0o666);
    withoutPrivileges();
    const [one, other] = [await started(folder), await started(folder)];
    const hold = await one.getLock("x").acquire();
    const waiting = other.getLock("x").acquire();
    await new Promise(setImmediate);
    await hold.release();
    await (await waiting).release();
    expect(statSync(path).size).toBe("theirs".length);
  });
});
