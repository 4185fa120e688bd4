import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lock } from "@coord/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";

/** One holder at a time, between coordinators and between processes; tokens that grow. */
export function describeExclusion(subject: Subject): void {
  describe("exclusion", () => {
    test("a lock can be acquired, released and acquired again, with a greater token each time", async () => {
      const lock = await new Rig(subject).lock("x");
      const tokens: bigint[] = [];
      for (let turn = 0; turn < 20; turn++) {
        const hold = await lock.acquire();
        tokens.push(hold.token);
        hold.assertHeld();
        await hold.release();
      }
      expect(tokens).toEqual([...new Set(tokens)].toSorted(ascending));
    });

    test("while it is held a second handle finds it busy, and another name free", async () => {
      const rig = new Rig(subject);
      const coordinator = await rig.start();
      const hold = await coordinator.getLock("x").acquire();
      expect(await coordinator.getLock("x").tryAcquire()).toBeUndefined();
      expect(await (await rig.lock("x")).tryAcquire()).toBeUndefined();
      const other = await coordinator.getLock("y").tryAcquire();
      expect(other?.name).toBe("y");
      await other?.release();
      await hold.release();
    });

    test("what refuses names the holder, as far as the traits say it is known", async () => {
      const rig = new Rig(subject);
      const holder = await rig.start({ prefix: "p-", agentId: "holder" });
      const hold = await holder.getLock("x").acquire();
      const refused: unknown = await (await rig.lock("p-x")).acquire({ timeout: 0 }).catch(asIs);
      const known: Record<string, unknown> = {
        member: "p-holder",
        pid: process.pid,
        token: hold.token,
        host: expect.any(String),
        since: expect.any(Date),
        shared: false,
      };
      const expected = holder.traits.holderInfo.map((field) => [field, known[field]] as const);
      expect(refused).toMatchObject({
        code: "COORD_BUSY",
        holders: [expect.objectContaining(Object.fromEntries(expected))],
      });
      await hold.release();
    });

    test("a hold that was released is not held again by whoever kept it", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      const old = await first.acquire();
      await old.release();
      const hold = await second.acquire();
      await old.release();
      expect(() => old.assertHeld()).toThrow(expect.objectContaining({ code: "COORD_LOST" }));
      expect(await first.tryAcquire()).toBeUndefined();
      hold.assertHeld();
      await hold.release();
    });

    test("run() keeps others out, over two coordinators, and passes on values and errors", async () => {
      const rig = new Rig(subject);
      const [first, second] = [await rig.lock("x"), await rig.lock("x")];
      const busy = await first.run(() => second.tryAcquire());
      expect(busy).toBeUndefined();
      await expect(second.run(() => Promise.resolve("value"))).resolves.toBe("value");
      const error = new Error("of the body");
      await expect(first.run(() => Promise.reject(error))).rejects.toBe(error);
      await expect(second.run(() => "free again")).resolves.toBe("free again");
    });

    test("a hundred that ask at once all get it, one at a time, with tokens that grow", async () => {
      const rig = new Rig(subject);
      const locks = [await rig.lock("x"), await rig.lock("x"), await rig.lock("x")];
      let inside = 0;
      let most = 0;
      const tokens: bigint[] = [];
      const enter = async (index: number): Promise<void> => {
        await locks[index % locks.length]?.run(async (hold) => {
          most = Math.max(most, ++inside);
          tokens.push(hold.token);
          await turns(1);
          inside -= 1;
        });
      };
      await Promise.all(Array.from({ length: 100 }, (_, index) => enter(index)));
      expect([tokens.length, most]).toEqual([100, 1]);
      expect(tokens).toEqual([...new Set(tokens)].toSorted(ascending));
    });

    test("four processes that add to one number lose no addition, nor do four coordinators where no other process is reached", async () => {
      const rig = new Rig(subject);
      const { traits } = await rig.start();
      const folder = await mkdtemp(join(tmpdir(), "coord-count-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, "number");
      const four = Array.from({ length: 4 });
      if (traits.reach === "process") {
        const locks = await Promise.all(four.map(() => rig.lock("x")));
        await Promise.all(locks.map((lock) => count(lock, file)));
      } else {
        const takers = await Promise.all(four.map(() => rig.taker()));
        await Promise.all(takers.map((taker) => taker.count("x", { file, turns: 25 })));
      }
      expect(await readFile(file, "utf8")).toMatch(/^100\b/);
    });
  });
}

/** As a taker does. */
async function count(lock: Lock, file: string): Promise<void> {
  for (let turn = 0; turn < 25; turn++) {
    await lock.run(async () => {
      const number = Number(await readFile(file, "utf8").catch(() => "0"));
      await writeFile(file, String(number + 1));
    });
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function asIs(error: unknown): unknown {
  return error;
}
