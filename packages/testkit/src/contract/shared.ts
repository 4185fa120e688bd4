import type { Coordinator } from "@coord/core";
import { describe, expect, test } from "vitest";
import { pass, reached, slack, soon, turns } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";

/**
 * Readers and writers. On a backend without shared locks each of these tests shows that they are
 * refused.
 */
export function describeShared(subject: Subject): void {
  describe("a shared lock", () => {
    test("is held by readers together and by a writer alone", async () => {
      const { rig, coordinator, unsupported } = await readers(subject);
      if (unsupported) return unsupported();
      const [one, other] = [coordinator.getLock("x"), await rig.lock("x")];
      const holds = [
        await one.acquire({ shared: true }),
        await one.tryAcquire({ shared: true }),
        await other.tryAcquire({ shared: true }),
      ];
      expect(holds.map((hold) => hold?.shared)).toEqual([true, true, true]);
      const writer = await rig.lock("x");
      for (const hold of holds) {
        hold?.assertHeld();
        expect(await writer.tryAcquire()).toBeUndefined();
        await hold?.release();
      }
      const alone = await writer.acquire({ timeout: slack });
      expect(alone.shared).toBe(false);
      expect(await one.tryAcquire({ shared: true })).toBeUndefined();
      expect(await other.tryAcquire({ shared: true })).toBeUndefined();
      await alone.release();
    });

    test("lets all readers in who waited for a writer", async () => {
      const { rig, coordinator, unsupported } = await readers(subject);
      if (unsupported) return unsupported();
      const writing = await (await rig.lock("x")).acquire();
      const others = [coordinator, await rig.start(), await rig.start()];
      const asked = others.map((each) => each.getLock("x").acquire({ shared: true }));
      for (const each of others) await reached(each);
      await writing.release();
      const holds = await soon(Promise.all(asked));
      for (const hold of holds) {
        hold.assertHeld();
        expect(hold.token).toBeGreaterThan(writing.token);
      }
      for (const hold of holds) await hold.release();
    });

    test("does not keep a writer waiting for as long as readers come", async () => {
      const { rig, coordinator, unsupported } = await readers(subject);
      if (unsupported) return unsupported();
      let over = false;
      let inside = 0;
      const read = async (reader: Coordinator): Promise<void> => {
        while (!over) {
          await reader.getLock("x").run(
            async () => {
              inside += 1;
              // Until another one is there too: never is there no reader, if nobody is kept out.
              for (let turn = 0; inside < 2 && turn < 20; turn++) await pass(1);
              await pass(5);
              inside -= 1;
            },
            { shared: true },
          );
        }
      };
      const all = [coordinator, await rig.start(), await rig.start()];
      const reading = Promise.all(all.map((reader) => read(reader)));
      reading.catch(() => {});
      const writer = await rig.lock("x");
      for (let turn = 0; turn < 5; turn++) {
        while (inside < 2) await pass(1);
        await writer.run(() => expect(inside).toBe(0), { timeout: slack });
      }
      over = true;
      await soon(reading);
    });

    test("cannot be made exclusive while it is held, nor the other way round: COORD_BUSY after a timeout", async () => {
      const { rig, coordinator, unsupported } = await readers(subject);
      if (unsupported) return unsupported();
      const busy = { code: "COORD_BUSY" };
      for (const lock of [coordinator.getLock("x"), await rig.lock("x")]) {
        for (const shared of [true, false]) {
          const hold = await coordinator.getLock("x").acquire({ shared, timeout: slack });
          const asked = lock.acquire({ shared: !shared, timeout: 50 });
          await expect(asked).rejects.toMatchObject(busy);
          hold.assertHeld();
          await hold.release();
        }
      }
    });

    test("never has a reader and a writer, nor two writers, and tokens that grow from one to the other", async () => {
      const { rig, coordinator, unsupported } = await readers(subject);
      if (unsupported) return unsupported();
      const locks = [coordinator.getLock("x"), await rig.lock("x"), await rig.lock("x")];
      const inside = { readers: 0, writers: 0 };
      const wrong: unknown[] = [];
      // The greatest token of all, and that of the last writer.
      let [greatest, last] = [0n, 0n];
      const enter = async (index: number): Promise<void> => {
        const shared = index % 4 !== 0;
        const kind = shared ? "readers" : "writers";
        await locks[index % locks.length]?.run(
          async ({ token }) => {
            inside[kind] += 1;
            const { readers, writers } = inside;
            const alone = shared ? writers === 0 : writers === 1 && readers === 0;
            if (!alone || token <= (shared ? last : greatest))
              wrong.push({ kind, ...inside, token });
            if (token > greatest) greatest = token;
            if (!shared) last = token;
            await turns(2);
            inside[kind] -= 1;
          },
          { shared },
        );
      };
      await soon(Promise.all(Array.from({ length: 80 }, (_, index) => enter(index))));
      expect(wrong).toEqual([]);
    });
  });
}

interface Readers {
  readonly rig: Rig;
  readonly coordinator: Coordinator;
  /** What is to be tested instead where there are no shared locks. */
  readonly unsupported: (() => Promise<void>) | undefined;
}

async function readers(subject: Subject): Promise<Readers> {
  const rig = new Rig(subject);
  const coordinator = await rig.start();
  const { shared } = coordinator.traits;
  return { rig, coordinator, unsupported: shared ? undefined : () => refuseShared(coordinator) };
}

/** That nothing is asked of a backend that cannot do it, and that nothing stays of it. */
export async function refuseShared(coordinator: Coordinator): Promise<void> {
  const lock = coordinator.getLock("x");
  const refusal = { code: "COORD_UNSUPPORTED" };
  const shared = true;
  await expect(lock.acquire({ shared })).rejects.toMatchObject(refusal);
  await expect(lock.tryAcquire({ shared })).rejects.toMatchObject(refusal);
  await expect(lock.run(() => {}, { shared })).rejects.toMatchObject(refusal);
  await (await lock.acquire({ timeout: slack })).release();
}
