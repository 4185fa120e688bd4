import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LineProcess } from "@coord/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { openBelow, granted, request, sessionOf, temporaryFolder, urlOf } from "./place.js";

const { signal } = new AbortController();

describe("files that stay open from one use to the next", () => {
  test("are closed when the process has no descriptors left for what is held", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "program.mjs");
    const core = import.meta.resolve("@coord/core").replace("/src/index.ts", "/dist/index.js");
    // Three for each of them would be too many.
    const program = `
      import { connect } from ${JSON.stringify(core)};
      import { file } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const coordinator = await connect(${JSON.stringify(urlOf(folder))}, { drivers: [file] });
      const holds = [];
      for (let index = 0; index < 60; index++) {
        holds.push(await coordinator.getLock("x" + index).acquire());
      }
      for (const hold of holds) await hold.release();
      await coordinator.stop();
      console.log("held " + holds.length);`;
    writeFileSync(path, program);
    const script = `ulimit -n 120 && exec "${process.execPath}" "${path}"`;
    const child = LineProcess.start("-c", [script], { command: "/bin/sh" });
    onTestFinished(() => child[Symbol.asyncDispose]());
    expect(await child.next(/./, { within: 10_000 })).toBe("held 60");
  });

  test("are closed with the session", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder);
    await (await granted(session, request("x"))).release(signal);
    expect(openBelow(folder)).toBeGreaterThan(0);
    await session.close(signal);
    expect(openBelow(folder)).toBe(0);
  });

  test("are those of a hold, too, after some beats: then it has one", async () => {
    const folder = temporaryFolder();
    const session = await sessionOf(folder, { heartbeat: 50 });
    const grant = await granted(session, request("x"));
    await expect.poll(() => openBelow(folder), { timeout: 2_000 }).toBe(1);
    expect(await grant.release(signal)).toBe("released");
    expect(openBelow(folder)).toBe(0);
  });
});
