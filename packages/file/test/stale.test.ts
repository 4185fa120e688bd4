import { lstatSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LineProcess } from "@coord/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { LockFile } from "../src/disk/lock-file.js";
import {
  granted,
  openBelow,
  removedFilesOpen,
  request,
  sessionOf,
  temporaryFolder,
  urlOf,
} from "./place.js";

const { signal } = new AbortController();

/** Some other program's lock on what is at the path now, which ends with the test. */
function lockedElsewhere(path: string): LockFile {
  const file = LockFile.open(path);
  onTestFinished(() => file.close());
  expect(file.tryLock()).toBe(true);
  return file;
}

describe("a lock file that was replaced since it was last used", () => {
  test("is not taken for the lock, neither at once nor after waiting for the records", async () => {
    const folder = temporaryFolder();
    const [one, other] = [await sessionOf(folder), await sessionOf(folder)];
    await (await granted(one, request("x"))).release(signal);
    unlinkSync(join(folder, "x"));
    const held = await granted(other, request("x"));
    expect(await one.acquire(request("x", { wait: false }))).toEqual({ busy: true });
    await held.release(signal);
    await (await granted(one, request("x"))).release(signal);
    expect(removedFilesOpen()).toBe(0);
  });

  test("and removed while its records were awaited is not granted", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    const records = lockedElsewhere(join(folder, "x%info"));
    const waiting = granted(session, request("x"));
    await delay(5);
    unlinkSync(join(folder, "x"));
    const taken = lockedElsewhere(join(folder, "x"));
    records.unlock();
    expect(await Promise.race([waiting, delay(200)])).toBeUndefined();
    taken.unlock();
    await (await waiting).release(signal);
    expect(removedFilesOpen()).toBe(0);
  });

  test("and is locked by somebody does not make what is there now busy", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    await (await granted(session, request("x"))).release(signal);
    lockedElsewhere(join(folder, "x"));
    unlinkSync(join(folder, "x"));
    const grant = await granted(session, request("x", { wait: false }));
    expect(await grant.release(signal)).toBe("released");
  });

  test("and whose holder never gives it back does not stop those who wait", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    lockedElsewhere(join(folder, "x"));
    const waiting = granted(session, request("x"));
    await delay(50);
    writeFileSync(join(folder, "new"), "");
    renameSync(join(folder, "new"), join(folder, "x"));
    await (await waiting).release(signal);
    // That of the other program.
    expect(removedFilesOpen()).toBe(1);
  });

  test("and is lost is closed", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder, { heartbeat: 50 });
    const grant = await granted(session, request("x"));
    unlinkSync(join(folder, "x"));
    expect(await grant.lost).toBe("taken");
    expect(removedFilesOpen()).toBe(0);
  });
});

test("busy answers leave no file open that one answer would not", async () => {
  const folder = temporaryFolder();
  const session = await sessionOf(folder);
  lockedElsewhere(join(folder, "x"));
  const busy = (mode: "exclusive" | "shared"): Promise<unknown> =>
    session.acquire(request("x", { wait: false, mode }));
  await busy("exclusive");
  const before = openBelow(folder);
  for (let turn = 0; turn < 50; turn++) {
    expect(await busy(turn % 2 === 0 ? "exclusive" : "shared")).toEqual({ busy: true });
  }
  expect(openBelow(folder)).toBe(before);
});

test("of eight processes, while somebody removes the file again and again, none is granted a file removed before it asked, and no two the same", async () => {
  const folder = temporaryFolder();
  const core = import.meta.resolve("@coord/core").replace("/src/index.ts", "/dist/index.js");
  // A removed file's number may be given again; not with the same time of birth.
  const program = `
    import { fstatSync, readdirSync, readlinkSync } from "node:fs";
    import { connect } from ${JSON.stringify(core)};
    import { file } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const path = ${JSON.stringify(join(folder, "x"))};
    const target = (fd) => { try { return readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } };
    const held = () => readdirSync("/proc/self/fd").map(Number)
      .filter((fd) => [path, path + " (deleted)"].includes(target(fd)))
      .map((fd) => fstatSync(fd, { bigint: true }))
      .map(({ ino, birthtimeNs }) => ino + " " + birthtimeNs).join();
    const coordinator = await connect(${JSON.stringify(urlOf(folder))}, { drivers: [file], heartbeat: 50 });
    const lock = coordinator.getLock("x");
    const end = performance.now() + 1_500;
    const holds = [];
    while (performance.now() < end) {
      const asked = process.hrtime.bigint();
      const hold = await lock.acquire();
      const from = process.hrtime.bigint();
      const what = held();
      const to = process.hrtime.bigint();
      await hold.release();
      holds.push([String(asked), String(from), String(to), what]);
    }
    await coordinator.stop();
    console.log(JSON.stringify(holds));`;
  const path = join(folder, "contender.mjs");
  writeFileSync(path, program);
  const processes = Array.from({ length: 8 }, () => LineProcess.start(path, []));
  for (const child of processes) onTestFinished(() => child[Symbol.asyncDispose]());
  const removed = new Map<string, bigint>();
  let removing = true;
  const remover = (async () => {
    for (; removing; await delay(1)) {
      const there = lstatSync(join(folder, "x"), { bigint: true, throwIfNoEntry: false });
      if (!there) continue;
      unlinkSync(join(folder, "x"));
      removed.set(`${there.ino} ${there.birthtimeNs}`, process.hrtime.bigint());
    }
  })();
  const lines = await Promise.all(processes.map((child) => child.next(/^\[/, { within: 30_000 })));
  removing = false;
  await remover;
  const holds = lines
    .flatMap((line) => JSON.parse(line) as [string, string, string, string][])
    .map(([asked, from, to, what]) => [BigInt(asked), BigInt(from), BigInt(to), what] as const)
    .sort(([, one], [, other]) => (one < other ? -1 : 1));
  expect(holds.length).toBeGreaterThan(100);
  expect(removed.size).toBeGreaterThan(20);
  const late = holds.filter(([asked, , , what]) => (removed.get(what) ?? asked) < asked);
  expect(late).toEqual([]);
  const until = new Map<string, bigint>();
  const overlaps = holds.filter(([, from, to, what]) => {
    const others = until.get(what) ?? 0n;
    until.set(what, others > to ? others : to);
    return from < others;
  });
  expect(overlaps).toEqual([]);
});
