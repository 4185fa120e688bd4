import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { file } from "@coord/file";
import { connect, type Coordinator, type Hold } from "@coord/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder, urlOf } from "./place.js";

async function started(folder: string): Promise<Coordinator> {
  const coordinator = await connect(urlOf(folder), { drivers: [file], agentId: "me" });
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

function told(hold: Hold): Promise<void> {
  return new Promise((resolve) => {
    hold.signal.addEventListener("abort", () => resolve());
  });
}

describe("a lock file that is held", () => {
  const removals: [string, (path: string) => void][] = [
    ["removed", (path) => unlinkSync(path)],
    ["moved away", (path) => renameSync(path, `${path}.old`)],
    [
      "replaced by another",
      (path) => {
        writeFileSync(`${path}.new`, "");
        renameSync(`${path}.new`, path);
      },
    ],
    ["removed with its folder", (path) => rmSync(join(path, ".."), { recursive: true })],
    [
      "moved away with its folder",
      (path) => renameSync(join(path, ".."), `${join(path, "..")}.old`),
    ],
  ];
  test.each(removals)(
    "and is %s is lost, within a beat, and its successor's token is greater",
    async (how, remove) => {
      const folder = join(temporaryFolder(), "locks");
      const coordinator = await started(folder);
      const hold = await coordinator.getLock("x").acquire();
      const lost = told(hold);
      remove(join(folder, "x"));
      await lost;
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "taken" });
      expect(existsSync(join(folder, "x"))).toBe(how === "replaced by another");
      const next = await coordinator.getLock("x").acquire();
      expect(next.token).toBeGreaterThan(hold.token);
      next.assertHeld();
      await next.release();
    },
  );

  test("for longer than a beat is watched: its removal is told at once", async () => {
    const folder = temporaryFolder();
    const coordinator = await started(folder);
    // So many that the machine's noise does not decide: told by beats, half of them would take 500 ms.
    const times: number[] = [];
    const holds = await Promise.all(
      Array.from({ length: 5 }, (_, index) => coordinator.getLock(`x${index}`).acquire()),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const [index, hold] of holds.entries()) {
      const lost = told(hold);
      const removedAt = performance.now();
      unlinkSync(join(folder, `x${index}`));
      await lost;
      times.push(performance.now() - removedAt);
    }
    expect(Math.min(...times)).toBeLessThan(100);
  });

  test("and is removed does not stop those who wait for it", async () => {
    const folder = temporaryFolder();
    const [one, other] = [await started(folder), await started(folder)];
    const hold = await one.getLock("x").acquire();
    const waiting = other.getLock("x").acquire();
    await new Promise(setImmediate);
    const lost = told(hold);
    unlinkSync(join(folder, "x"));
    const next = await waiting;
    expect(next.token).toBeGreaterThan(hold.token);
    await lost;
    await hold.release();
    next.assertHeld();
    expect(await one.getLock("x").tryAcquire()).toBeUndefined();
    await next.release();
  });
});

describe("the file of records", () => {
  async function turn(coordinator: Coordinator): Promise<bigint> {
    const hold = await coordinator.getLock("x").acquire();
    await hold.release();
    return hold.token;
  }

  test("makes tokens grow from the last one, also when the clock was set back since", async () => {
    const folder = temporaryFolder();
    const ahead = 2n ** 60n;
    writeFileSync(join(folder, "x%info"), `{"token":"${ahead}","holds":[]}\n`);
    const coordinator = await started(folder);
    expect([await turn(coordinator), await turn(coordinator)]).toEqual([ahead + 1n, ahead + 2n]);
  });

  test("may be lost: the clock makes the next token greater all the same", async () => {
    const folder = temporaryFolder();
    const coordinator = await started(folder);
    const before = await turn(coordinator);
    await new Promise((resolve) => setTimeout(resolve, 2));
    unlinkSync(join(folder, "x%info"));
    expect(await turn(coordinator)).toBeGreaterThan(before);
  });

  test.each([
    ["empty", "", 0n],
    ["cut off", `{"token":"${2n ** 60n}","holds":[{"pid":1,`, 2n ** 60n],
    ["of another kind", "hello\n", 0n],
    ["of the wrong form", `{"token":5,"holds":"none"}\n`, 5n],
  ])(
    "may be %s: the lock works, and a token that can be read counts",
    async (_, content, token) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "x%info"), content);
      const coordinator = await started(folder);
      expect(await turn(coordinator)).toBeGreaterThan(token);
      expect(readFileSync(join(folder, "x%info"), "utf8")).toMatch(
        /^\{"token":"\d+","holds":\[\]\}\n/,
      );
    },
  );

  test("names nobody who is dead, though the record is still there", async () => {
    const folder = temporaryFolder();
    const coordinator = await started(folder);
    const hold = await coordinator.getLock("x").acquire();
    const path = join(folder, "x%info");
    const record = readFileSync(path, "utf8");
    const other = await started(folder);
    const holders = async (): Promise<string[]> =>
      (await other.getLock("x").inspect()).holders.map(({ member }) => member);
    expect(await holders()).toEqual(["me"]);
    // The same pid, but a process that started at another time: one that has died since.
    writeFileSync(path, record.replace(/"started":"\d+"/, '"started":"1"'));
    expect(await holders()).toEqual(["unknown"]);
    writeFileSync(path, record.replace(/"scope":"[^"]*"/, '"scope":"another boot"'));
    expect(await holders()).toEqual(["unknown"]);
    await hold.release();
    expect(await holders()).toEqual([]);
  });

  test("of a name that nobody ever asked for is not made by looking", async () => {
    const folder = temporaryFolder();
    const coordinator = await started(folder);
    mkdirSync(join(folder, "sub"));
    expect(await coordinator.getLock("x").inspect()).toEqual({ holders: [], waiters: [] });
    rmSync(join(folder, "sub"), { recursive: true });
    expect(() => readFileSync(join(folder, "x"))).toThrow(/ENOENT/);
  });
});
