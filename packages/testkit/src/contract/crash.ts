import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";

/** Holders that die without a word. */
export function describeCrash(subject: Subject): void {
  describe("a holder that is killed", () => {
    test(
      "frees the lock for a waiter within the time the traits publish",
      { timeout: 120_000 },
      async () => {
        const rig = new Rig(subject);
        const coordinator = await rig.start();
        const { crashReleaseMs } = coordinator.traits;
        const many = process.env["COORD_TEST_SHORT"] ? 10 : 50;
        const kills = crashReleaseMs <= 1_000 ? many : 3;
        const lock = coordinator.getLock("x");
        const times: number[] = [];
        let next = rig.taker();
        for (let kill = 0; kill < kills; kill++) {
          const taker = await next;
          const { token } = await taker.acquire("x");
          if (kill + 1 < kills) next = rig.taker();
          const waiting = lock.acquire();
          await next;
          const killedAt = performance.now();
          const exited = taker.kill();
          const hold = await waiting;
          times.push(performance.now() - killedAt);
          expect(hold.token).toBeGreaterThan(token);
          await hold.release();
          await exited;
        }
        times.sort((a, b) => a - b);
        const median = times[Math.floor(times.length / 2)] ?? Infinity;
        console.info(
          `${subject.driver.name}: kill -9 of a holder to the next hold, median of ${kills}: ${median.toFixed(1)} ms (${times[0]?.toFixed(1)} to ${times.at(-1)?.toFixed(1)} ms)`,
        );
        expect(median).toBeLessThanOrEqual(crashReleaseMs);
      },
    );

    test("has left its name and a lock that is free, once it is dead", async () => {
      const rig = new Rig(subject);
      const taker = await rig.taker({ options: { agentId: "victim" } });
      await taker.acquire("x");
      const lock = await rig.lock("x");
      await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({
        code: "COORD_BUSY",
        message: expect.stringContaining("victim"),
      });
      await taker.kill();
      const hold = await lock.acquire();
      hold.assertHeld();
      await hold.release();
    });

    test("while it waited leaves nothing in the way of those behind it", async () => {
      const rig = new Rig(subject);
      const [lock, taker] = [await rig.lock("x"), await rig.taker()];
      const hold = await lock.acquire();
      const waiting = taker.acquire("x");
      waiting.catch(() => {});
      // Answered after the request for "x" was sent.
      await taker.acquire("y");
      await taker.kill();
      await hold.release();
      const next = await (await rig.lock("x")).acquire();
      expect(next.token).toBeGreaterThan(hold.token);
      await next.release();
    });
  });
}
