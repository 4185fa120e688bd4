import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { turns } from "./meanwhile.js";

// Taken before anybody listens.
const { info } = console;

/** Prints a line of the kit's own. */
export function print(line: string): void {
  info(line);
}

/** Listens, from the first test around it to the last, to what nobody should hear. Gives it as it grows. */
export function listen(): readonly string[] {
  const heard: string[] = [];
  const restore: (() => void)[] = [];

  beforeAll(() => {
    const streams = [process.stdout, process.stderr].map((stream) => ({ stream, method: "write" }));
    const consoles = Object.keys(console).map((method) => ({ stream: console, method }));
    for (const { stream, method } of [...streams, ...consoles]) {
      restore.push(overhear(stream, method, (what) => heard.push(`${method}: ${what}`)));
    }
    const warned = ({ name, message }: Error): void => void heard.push(`${name}: ${message}`);
    const unhandled = (reason: unknown): void => void heard.push(`unhandled: ${String(reason)}`);
    process.on("warning", warned).on("unhandledRejection", unhandled);
    restore.push(() => process.off("warning", warned).off("unhandledRejection", unhandled));
  });
  afterAll(() => {
    for (const undo of restore) undo();
  });
  return heard;
}

/** That nothing was heard: the last of the tests. */
export function describeQuiet(heard: readonly string[]): void {
  describe("all of this", () => {
    test("prints nothing, warns of nothing and leaves no rejection unhandled", async () => {
      await turns(2);
      expect(heard.join("\n")).toBe("");
    });
  });
}

/** Tells of each call of the method, which does what it did before. */
function overhear(object: object, method: string, tell: (what: string) => void): () => void {
  const original: unknown = Reflect.get(object, method);
  if (typeof original !== "function") return () => {};
  Reflect.set(object, method, (...given: unknown[]): unknown => {
    tell(given.map(String).join(" "));
    return Reflect.apply(original, object, given);
  });
  return () => Reflect.set(object, method, original);
}
