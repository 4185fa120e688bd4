import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "@coord/core/driver";
import { describe, expect, onTestFinished, test } from "vitest";
import { LockFile } from "../src/disk/lock-file.js";
import { granted, request, sessionOf, temporaryFolder } from "./place.js";

const { signal } = new AbortController();

/** As another process that is just changing the records, until it is unlocked. */
function changing(folder: string): LockFile {
  const file = LockFile.open(join(folder, "x%info"));
  onTestFinished(() => file.close());
  expect(file.tryLock()).toBe(true);
  return file;
}

function records(folder: string): string {
  return readFileSync(join(folder, "x%info"), "utf8").split("\n")[0]!;
}

/** Whether the lock could be taken by another program. */
function isFree(folder: string): boolean {
  const file = LockFile.open(join(folder, "x"));
  try {
    return file.tryLock();
  } finally {
    file.close();
  }
}

describe("records that somebody else is just changing", () => {
  test("are left alone, and what is granted waits for them", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    const other = changing(folder);
    const waiting = granted(session, request("x"));
    expect(await Promise.race([waiting, delay(50)])).toBeUndefined();
    expect(records(folder)).toBe("");
    other.unlock();
    const grant = await waiting;
    expect(records(folder)).toContain(`"token":"${grant.token}"`);
    await grant.release(signal);
  });

  test("keep the lock from the next until that of its holder is gone", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    const grant = await granted(session, request("x"));
    const other = changing(folder);
    const releasing = grant.release(signal);
    expect(await Promise.race([releasing, delay(50)])).toBeUndefined();
    expect(isFree(folder)).toBe(false);
    other.unlock();
    expect(await releasing).toBe("released");
    expect(records(folder)).toBe(`{"token":"${grant.token}","holds":[]}`);
    expect(isFree(folder)).toBe(true);
  });

  test("do not keep an acquire that is given up, which leaves nothing", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    const other = changing(folder);
    const giveUp = new AbortController();
    const waiting = granted(session, request("x", { signal: giveUp.signal }));
    await delay(5);
    giveUp.abort(new Error("given up"));
    await expect(waiting).rejects.toThrow("given up");
    expect(isFree(folder)).toBe(true);
    other.unlock();
  });
});

test("an acquire that is given up while its hold is recorded leaves no record and no lock", async () => {
  const folder = temporaryFolder();
  const giveUp = new AbortController();
  let armed = false;
  const wall = (): number => {
    if (armed) giveUp.abort(new Error("given up"));
    return systemClock.wall();
  };
  const [other, session] = [
    await sessionOf(folder),
    await sessionOf(folder, { clock: { ...systemClock, wall } }),
  ];
  const hold = await granted(other, request("x"));
  const asked = granted(session, request("x", { signal: giveUp.signal }));
  armed = true;
  await hold.release(signal);
  await expect(asked).rejects.toThrow("given up");
  expect(isFree(folder)).toBe(true);
  expect(records(folder)).toContain('"holds":[]');
});

describe("the mark of a break", () => {
  test("is kept by other holders who come and go", async () => {
    const folder = temporaryFolder();
    const [one, other] = [await sessionOf(folder), await sessionOf(folder)];
    const shared = request("x", { mode: "shared" });
    const asked = await granted(one, shared);
    const gone = await granted(other, shared);
    const breaking = other.break!("x", { token: asked.token, force: false }, signal);
    await delay(5);
    await gone.release(signal);
    await (await granted(other, shared)).release(signal);
    expect(records(folder)).toContain('"broken":"asked"');
    expect(await asked.lost).toBe("broken");
    await asked.release(signal);
    expect(await breaking).toMatchObject({ outcome: "released" });
  });

  test("reaches a holder in another pid namespace, and its answer counts", async () => {
    const folder = temporaryFolder();
    const [one, other] = [await sessionOf(folder, { heartbeat: 100 }), await sessionOf(folder)];
    const grant = await granted(one, request("x"));
    const path = join(folder, "x%info");
    writeFileSync(path, readFileSync(path, "utf8").replace(/pid:\[\d+\]/, "pid:[1]"));
    const breaking = other.break!("x", { token: grant.token, force: false }, signal);
    expect(await Promise.race([breaking, grant.lost])).toBe("broken");
    await grant.release(signal);
    expect(await breaking).toMatchObject({ outcome: "released", holders: [{ member: "me" }] });
  });
});

describe("a token", () => {
  test("is greater than the one before also when the records were removed in the same millisecond", async () => {
    const folder = temporaryFolder();
    const now = systemClock.wall();
    const clock = { ...systemClock, wall: () => now };
    const sessions = [await sessionOf(folder, { clock }), await sessionOf(folder, { clock })];
    let last = 0n;
    for (const session of sessions) {
      const grant = await granted(session, request("x"));
      expect(grant.token).toBeGreaterThan(last);
      last = grant.token;
      await grant.release(signal);
      unlinkSync(join(folder, "x%info"));
    }
  });

  test("goes on from the file that replaced the records", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    await (await granted(session, request("x"))).release(signal);
    const ahead = 2n ** 60n;
    unlinkSync(join(folder, "x%info"));
    writeFileSync(join(folder, "x%info"), `{"token":"${ahead}","holds":[]}\n`);
    await delay(100);
    expect((await granted(session, request("x"))).token).toBe(ahead + 1n);
  });
});
