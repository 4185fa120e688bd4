import type { Coordinator, Hold } from "@coord/core";
import { describe, expect, test } from "vitest";
import { reached, slack, soon } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";

/** Taking a lock from its holder; COORD_UNSUPPORTED where the traits do not say that it can be. */
export function describeBreaking(subject: Subject): void {
  describe("break()", () => {
    test("asks the holder, who is told, and says whose it was", async () => {
      const { rig, coordinator, hold, unsupported } = await broken(subject);
      if (unsupported) return unsupported();
      const told = toldOf(hold);
      const result = await soon((await rig.lock("x")).break());
      expect(result).toMatchObject({ outcome: "released", holders: [holderOf(coordinator)] });
      await soon(told);
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "broken" });
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "broken" }));
      await hold.release();
      const next = await (await rig.lock("x")).acquire({ timeout: slack });
      expect(next.token).toBeGreaterThan(hold.token);
      await next.release();
    });

    test("by force takes it at once; the holder hears of it and cannot free its successor", async () => {
      const { rig, coordinator, hold, unsupported } = await broken(subject);
      if (unsupported) return unsupported();
      const told = toldOf(hold);
      const other = await rig.lock("x");
      const result = await soon(other.break({ force: true }));
      expect(result).toMatchObject({ outcome: "forced", holders: [holderOf(coordinator)] });
      const next = await other.acquire({ timeout: slack });
      expect(next.token).toBeGreaterThan(hold.token);
      await soon(told);
      expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "broken" });
      await hold.release();
      await reached(coordinator);
      next.assertHeld();
      expect(await (await rig.lock("x")).tryAcquire()).toBeUndefined();
      await next.release();
    });

    test("gives the lock to whoever waits for it, asked or forced", async () => {
      const { rig, hold, unsupported } = await broken(subject);
      if (unsupported) return unsupported();
      let before: Hold = hold;
      for (const force of [false, true]) {
        const waiter = await rig.start();
        const waiting = waiter.getLock("x").acquire();
        waiting.catch(() => {});
        await reached(waiter);
        await soon((await rig.lock("x")).break({ force }));
        const next = await soon(waiting);
        expect(next.token).toBeGreaterThan(before.token);
        before = next;
      }
      await before.release();
    });

    test("of a token takes only the hold that has it, and of a free lock nothing", async () => {
      const { rig, coordinator, hold, unsupported } = await broken(subject);
      if (unsupported) return unsupported();
      const other = await rig.lock("x");
      await hold.release();
      const nobody = { outcome: "free", holders: [] };
      expect(await soon(other.break())).toEqual(nobody);
      expect(await soon(other.break({ force: true }))).toEqual(nobody);
      const next = await coordinator.getLock("x").acquire();
      for (const force of [false, true]) {
        const result = await soon(other.break({ token: hold.token, force }));
        expect(result).toMatchObject({ outcome: "free" });
      }
      await reached(coordinator);
      next.assertHeld();
      const result = await soon(other.break({ token: next.token }));
      expect(result).toMatchObject({ outcome: "released" });
    });

    test("takes it from all readers, where there can be several", async () => {
      const { rig, hold, unsupported } = await broken(subject);
      if (unsupported) return unsupported();
      await hold.release();
      const readers = [await rig.start(), await rig.start()];
      const shared = readers[0]?.traits.shared ?? false;
      for (const force of [false, true]) {
        const holds: Hold[] = [];
        for (const reader of shared ? readers : readers.slice(0, 1)) {
          holds.push(await reader.getLock("x").acquire({ shared, timeout: slack }));
        }
        const told = holds.map(toldOf);
        const { holders } = await soon((await rig.lock("x")).break({ force }));
        expect(holders).toHaveLength(holds.length);
        await soon(Promise.all(told));
        await (await (await rig.lock("x")).acquire({ timeout: slack })).release();
      }
    });
  });
}

interface Broken {
  readonly rig: Rig;
  /** Holds "x". */
  readonly coordinator: Coordinator;
  readonly hold: Hold;
  /** What is to be tested instead where nothing can be broken. */
  readonly unsupported: (() => Promise<void>) | undefined;
}

async function broken(subject: Subject): Promise<Broken> {
  const rig = new Rig(subject);
  const coordinator = await rig.start({ agentId: "holder" });
  const hold = await coordinator.getLock("x").acquire();
  const unsupported = async (): Promise<void> => {
    await refuseBreak(await rig.start());
    hold.assertHeld();
  };
  return { rig, coordinator, hold, unsupported: canBreak(coordinator) ? undefined : unsupported };
}

export function canBreak({ traits }: Coordinator): boolean {
  return traits.revocable.includes("break");
}

export async function refuseBreak(coordinator: Coordinator): Promise<void> {
  const lock = coordinator.getLock("x");
  const refusal = { code: "COORD_UNSUPPORTED" };
  await expect(lock.break()).rejects.toMatchObject(refusal);
  await expect(lock.break({ force: true })).rejects.toMatchObject(refusal);
}

/** The coordinator's member id, as far as it is known to others. */
function holderOf({ traits }: Coordinator): unknown {
  const member = traits.holderInfo.includes("member") ? /^holder$/ : /./;
  return { member: expect.stringMatching(member) };
}

function toldOf(hold: Hold): Promise<unknown> {
  return new Promise((resolve) => {
    hold.signal.addEventListener("abort", resolve);
  });
}
