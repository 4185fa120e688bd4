import type { Coordinator, HolderInfo, LockState } from "@coord/core";
import { describe, expect, test } from "vitest";
import { reached } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

const nobody = { holders: [], waiters: [] };

/** Who holds a lock and who waits for it; COORD_UNSUPPORTED where the driver cannot say. */
export function describeInspecting(subject: Subject): void {
  describe("inspect()", () => {
    test("finds nobody at a lock that is free", async () => {
      const { coordinator, look } = await looking(subject);
      expect(await look(nobody)).toEqual(nobody);
      await (await coordinator.getLock("x").acquire()).release();
      expect(await look(nobody)).toEqual(nobody);
    });

    test("names the holder, and does so to everybody", async () => {
      const { rig, coordinator, look } = await looking(subject);
      const before = new Date();
      const holder = await rig.start({ agentId: "holder" });
      const hold = await holder.getLock("x").acquire();
      const info = { member: "holder", pid: process.pid, token: hold.token, since: before };
      const all = knownOf(coordinator, info);
      const { since: _, ...known } = all;
      for (const who of [coordinator, holder, await rig.start()]) {
        const { holders } = await look({ holders: [all], waiters: [] }, who);
        expect(holders).toEqual([expect.objectContaining(known)]);
        if (all.since === undefined) continue;
        // The backend's clock may be another's.
        expect(Math.abs(Number(holders[0]?.since) - Number(before))).toBeLessThan(60_000);
      }
      await hold.release();
      expect(await look(nobody)).toEqual(nobody);
    });

    test("names those who wait, in the order in which they are served, where that is promised", async () => {
      const { rig, coordinator, look } = await looking(subject);
      const hold = await coordinator.getLock("x").acquire();
      const members = ["first", "second", "third"];
      const asked: Promise<void>[] = [];
      for (const agentId of members) {
        const waiter = await rig.start({ agentId });
        const served = waiter.getLock("x").run(() => {});
        served.catch(() => {});
        asked.push(served);
        await reached(waiter);
      }
      const { fair, holderInfo } = coordinator.traits;
      const all = members.map((member) => ({ member }));
      const { waiters } = await look({ holders: [], waiters: all });
      const found = waiters.map(({ member }) => member);
      const ordered = fair && holderInfo.includes("member");
      const unexpected = found.filter((member) => ![...members, "unknown"].includes(member));
      expect(ordered ? found : unexpected).toEqual(ordered ? members : []);
      await hold.release();
      await Promise.all(asked);
      expect(await look(nobody)).toEqual(nobody);
    });

    test("names all readers, where there can be several", async () => {
      const { rig, coordinator, look } = await looking(subject);
      const { shared } = coordinator.traits;
      const known: HolderInfo[] = [];
      for (const member of shared ? ["one", "two"] : ["one"]) {
        const reader = await rig.start({ agentId: member });
        const { token } = await reader.getLock("x").acquire({ shared });
        known.push(knownOf(coordinator, { member, token, shared }));
      }
      const { holders } = await look({ holders: known, waiters: [] });
      expect(holders).toHaveLength(known.length);
      expect(holders).toEqual(
        expect.arrayContaining(known.map((each) => expect.objectContaining(each))),
      );
    });
  });
}

interface Looking {
  readonly rig: Rig;
  readonly coordinator: Coordinator;
  /** The state of "x", as a coordinator sees it; or, where the driver cannot say and refuses to, `otherwise`. */
  readonly look: (otherwise: LockState, who?: Coordinator) => Promise<LockState>;
}

async function looking(subject: Subject): Promise<Looking> {
  const rig = new Rig(subject);
  const watched = new WatchedDriver(subject.driver);
  const coordinator = await rig.start({}, watched.driver);
  const look: Looking["look"] = async (otherwise, who = coordinator) => {
    const lock = who.getLock("x");
    if (watched.inspects) return lock.inspect();
    await expect(lock.inspect()).rejects.toMatchObject({ code: "COORD_UNSUPPORTED" });
    return otherwise;
  };
  return { rig, coordinator, look };
}

/** What of this the traits say is known. */
function knownOf({ traits }: Coordinator, info: HolderInfo): HolderInfo {
  const known: readonly string[] = traits.holderInfo;
  const entries = Object.entries(info).filter(([field]) => known.includes(field));
  return Object.fromEntries(entries) as unknown as HolderInfo;
}
