import { describe, expect, test } from "vitest";
import { slack } from "./meanwhile.js";
import { Rig, type Subject } from "./rig.js";
import { WatchedDriver } from "./watched.js";

/** Giving back, and having nothing to give back any more. */
export function describeRelease(subject: Subject): void {
  describe("releasing", () => {
    test("twice, also at once, asks the backend once", async () => {
      const watched = new WatchedDriver(subject.driver);
      const lock = (await new Rig(subject).start({}, watched.driver)).getLock("x");
      const hold = await lock.acquire();
      await Promise.all([hold.release(), hold.release()]);
      await hold.release();
      await hold[Symbol.asyncDispose]();
      expect(watched.releases).toEqual(["released"]);
      await (await lock.acquire()).release();
    });

    test("that fails never hides what the body threw, nor what it returned", async () => {
      const watched = new WatchedDriver(subject.driver);
      const messages: string[] = [];
      const write = (message: string): void => void messages.push(message);
      const logger = { debug: write, info: write, warn: write, error: write };
      const lock = (await new Rig(subject).start({ logger }, watched.driver)).getLock("x");
      watched.failReleases = new Error("no answer to the release");
      const error = new Error("of the body");
      await expect(lock.run(() => Promise.reject(error))).rejects.toBe(error);
      await expect(lock.run(() => "value")).resolves.toBe("value");
      const inBlock = async (): Promise<void> => {
        await using hold = await lock.acquire();
        throw new Error(`of the block ${hold.name}`);
      };
      await expect(inBlock()).rejects.toThrow("of the block x");
      // What failed is done again until it is answered; only then it is free for the next.
      await (await lock.acquire({ timeout: slack })).release().catch(() => {});
      const reported = messages.filter((message) => message.includes("no answer to the release"));
      expect(reported.length).toBeGreaterThanOrEqual(3);
      expect(watched.releases.filter((answer) => answer === "released")).toHaveLength(4);
    });
  });
}
