import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, type Clock } from "@coord/core/driver";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { LockFile } from "../src/disk/lock-file.js";
import { Waits } from "../src/waits.js";
import { granted, openBelow, request, sessionOf, temporaryFolder, watches } from "./place.js";

const { signal } = new AbortController();

/** A clock on which, as long as nobody looks for it, no re-check comes. */
function withoutTimers(): Clock {
  return { ...systemClock, timer: () => ({ cancel: () => {} }) };
}

describe("a wait", () => {
  test("looks once more when its watch is set: what came just before is not missed", async () => {
    const waits = new Waits(withoutTimers(), (error) => expect.unreachable(String(error)));
    const path = join(temporaryFolder(), "x");
    const look = (): string => "there";
    const found = waits.until({ path, signal, look, giveUp: () => {} });
    expect(await Promise.race([found, delay(1_000)])).toBe("there");
  });

  test("is over for the kernel, too, when it was given up, or has what it waited for", async () => {
    const folder = temporaryFolder();
    const [one, other] = [await sessionOf(folder), await sessionOf(folder)];
    const before = watches();
    const grant = await granted(one, request("x"));
    const giveUp = new AbortController();
    const given = granted(other, request("x", { signal: giveUp.signal }));
    const name = "y";
    const next = await granted(one, request(name));
    const waiting = granted(other, request(name));
    await delay(10);
    expect(watches()).toBe(before + 2);
    giveUp.abort(new Error("given up"));
    await expect(given).rejects.toThrow("given up");
    await next.release(signal);
    const last = await waiting;
    await vi.waitFor(() => expect(watches()).toBe(before));
    await last.release(signal);
    await grant.release(signal);
  });

  test("closes its files at the latest some beats later", async () => {
    const folder = temporaryFolder();
    const [one, other] = [
      await sessionOf(folder, { heartbeat: 50 }),
      await sessionOf(folder, { heartbeat: 50 }),
    ];
    const grant = await granted(one, request("x"));
    const giveUp = new AbortController();
    const waiting = granted(other, request("x", { signal: giveUp.signal }));
    await delay(200);
    giveUp.abort(new Error("given up"));
    await expect(waiting).rejects.toThrow("given up");
    // That of the holder.
    await vi.waitFor(() => expect(openBelow(folder)).toBe(1), 2_000);
    await grant.release(signal);
    await vi.waitFor(() => expect(openBelow(folder)).toBe(0), 2_000);
  });

  test("among hundreds has its turn to find what nobody tells", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    const files = Array.from({ length: 300 }, (_, index) => {
      const file = LockFile.open(join(folder, `x${index}`));
      onTestFinished(() => file.close());
      file.tryLock();
      return file;
    });
    const waiting = files.map((_, index) => granted(session, request(`x${index}`)));
    await delay(50);
    // The others stay where they are, and first in line.
    files.at(-1)!.unlock();
    const last = await waiting.at(-1)!;
    expect(await last.release(signal)).toBe("released");
    for (const file of files) file.unlock();
    const grants = await Promise.all(waiting.slice(0, -1));
    for (const grant of grants) await grant.release(signal);
  });
});

test.each([
  ["at the gate", ["x%queue", "x%gate"]],
  ["at the lock", ["x%queue"]],
])(
  "a writer who waits %s, and found the queue locked at first, soon keeps later readers out",
  async (_, names) => {
    const folder = temporaryFolder();
    const [one, two] = [await sessionOf(folder), await sessionOf(folder)];
    const reader = await granted(one, request("x", { mode: "shared" }));
    const [queue, gate] = names.map((name) => {
      const file = LockFile.open(join(folder, name));
      onTestFinished(() => file.close());
      expect(file.tryLock()).toBe(true);
      return file;
    });
    // The driver begins to wait before it returns.
    const writing = granted(two, request("x"));
    writing.catch(() => {});
    queue?.unlock();
    await vi.waitFor(async () => {
      const later = await one.acquire(request("x", { mode: "shared", wait: false }));
      if ("release" in later) await later.release(signal);
      expect(later).toEqual({ busy: true });
    }, 1_000);
    gate?.unlock();
    await reader.release(signal);
    await (await writing).release(signal);
  },
);

test("a hold that is over is watched no more", async () => {
  const folder = temporaryFolder();
  const session = await sessionOf(folder, { heartbeat: 50 });
  const before = watches();
  const grant = await granted(session, request("x"));
  await vi.waitFor(() => expect(watches()).toBe(before + 1), 5_000);
  await grant.release(signal);
  await vi.waitFor(() => expect(watches()).toBe(before));
});

describe("turns", () => {
  test("go to somebody else while others wait, and to each of them", async () => {
    const folder = temporaryFolder();
    const sessions = [await sessionOf(folder), await sessionOf(folder), await sessionOf(folder)];
    const order: number[] = [];
    const first = await granted(sessions[0]!, request("x"));
    const all = sessions.map(async (session, index) => {
      let grant = index === 0 ? first : await granted(session, request("x"));
      for (let turn = 0; turn < 100; turn++) {
        order.push(index);
        const asked = grant.release(signal).then(() => granted(session, request("x")));
        grant = await asked;
      }
      await grant.release(signal);
    });
    await Promise.all(all);
    // While all three ask; who is left alone at the end goes on alone.
    const contended = order.slice(0, 150);
    const again = contended.filter((index, turn) => index === contended[turn - 1]).length;
    // A machine with other things to do makes some who wait late; without turns it is nearly all.
    expect(again).toBeLessThan(50);
  });

  test("are handed over by what the releaser does, not by the re-check", async () => {
    const folder = temporaryFolder();
    const options = { clock: withoutTimers() };
    const sessions = [
      await sessionOf(folder, options),
      await sessionOf(folder, options),
      await sessionOf(folder, options),
    ];
    const tokens: bigint[] = [];
    // All of them always ask: one holds the lock, one is at the gate, one waits for that.
    const turns = sessions.map(async (session) => {
      for (let turn = 0; turn < 50; turn++) {
        const grant = await granted(session, request("x"));
        tokens.push(grant.token);
        await delay(1);
        await grant.release(signal);
      }
    });
    await Promise.all(turns);
    expect(new Set(tokens).size).toBe(150);
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
  });
});
