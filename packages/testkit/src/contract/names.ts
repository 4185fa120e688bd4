import { describe, expect, test } from "vitest";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

const long = "long-".repeat(200);

/** Names that a backend may be tempted to confuse with each other, with its own, or with a path. */
const names = [
  "plain",
  "Plain",
  "PLAIN",
  "with space",
  "with space ",
  " with space",
  "a/b",
  "/a/b",
  "a/b/",
  "a//b",
  "a\\b",
  "..",
  ".",
  "../up",
  "../../etc/passwd",
  ".hidden",
  "trailing.",
  "a:b",
  "a*b?c",
  "a%2Fb",
  "a%2fb",
  "%",
  "%info",
  "plain%info",
  "plain%gate",
  "{tag}",
  "{tag}2",
  "quote'\"`$(x);--",
  "new\nline",
  "tab\t",
  "nul\0",
  "nul\0\0",
  "bell\u0007",
  "\u00e9 composed",
  "e\u0301 composed",
  "straße",
  "STRASSE",
  "名前",
  "😀",
  "\u202eright to left",
  "groups",
  "tmp",
  ".driver_lock",
  "con",
  "nul",
  "locks",
  "leader",
  "__proto__",
  "constructor",
  "x".repeat(200),
  "x".repeat(255),
  "x".repeat(256),
  `${long}1`,
  `${long}2`,
  `${"é".repeat(500)}1`,
  `${"é".repeat(500)}2`,
];

/** Any name is a name, and no two are the same lock. */
export function describeNames(subject: Subject): void {
  describe("names", () => {
    test("of any characters and length are all different locks, the same ones to everybody", async () => {
      const rig = new Rig(subject);
      const [holder, other] = [await rig.start(), await rig.start()];
      const holds = await Promise.all(
        names.map((name) => holder.getLock(name).tryAcquire({ timeout: 10_000 })),
      );
      const refused = names.filter((_, index) => holds[index] === undefined);
      expect(refused).toEqual([]);
      const granted: string[] = [];
      for (const name of names) {
        if (await other.getLock(name).tryAcquire()) granted.push(name);
      }
      expect(granted).toEqual([]);
      for (const hold of holds) await hold?.release();
      for (const name of names) {
        const hold = await other.getLock(name).tryAcquire();
        expect([name, hold?.name]).toEqual([name, name]);
        await hold?.release();
      }
    });

    test("have the coordinator's prefix before them, which keeps programs apart or together", async () => {
      const rig = new Rig(subject);
      const billing = await rig.start({ prefix: "billing-", agentId: "1" });
      const shipping = await rig.start({ prefix: "shipping-", agentId: "1" });
      const plain = await rig.start();
      expect([billing.memberId, billing.getLock("x").name]).toEqual(["billing-1", "billing-x"]);
      const holds = [
        await billing.getLock("x").tryAcquire(),
        await shipping.getLock("x").tryAcquire(),
        await plain.getLock("x").tryAcquire(),
      ];
      expect(holds.map((hold) => hold?.name)).toEqual(["billing-x", "shipping-x", "x"]);
      expect(await plain.getLock("billing-x").tryAcquire()).toBeUndefined();
      for (const hold of holds) await hold?.release();
    });

    test("that no lock can have, and options that no call can have, are refused before anything is asked", async () => {
      const watched = new WatchedDriver(subject.driver);
      const coordinator = await new Rig(subject).start({}, watched.driver);
      for (const name of ["", "half \ud83d", 7, null, undefined]) {
        expect(() => coordinator.getLock(name as string)).toThrow(
          expect.objectContaining({ code: "COORD_BAD_NAME" }),
        );
      }
      const lock = coordinator.getLock("x");
      const wrong: object[] = [
        { timeout: -1 },
        { timeout: Number.NaN },
        { timeout: -Infinity },
        { timeout: "5" },
        { signal: {} },
        { shared: "no" },
      ];
      for (const options of wrong) {
        const refusal = { code: "COORD_BAD_OPTION" };
        await expect(lock.acquire(options)).rejects.toMatchObject(refusal);
        await expect(lock.tryAcquire(options)).rejects.toMatchObject(refusal);
        await expect(lock.run(() => {}, options)).rejects.toMatchObject(refusal);
      }
      expect(watched.acquires).toBe(0);
      await (await lock.acquire()).release();
      expect(watched.acquires).toBe(1);
    });
  });
}
