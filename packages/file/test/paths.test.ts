import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { file } from "@coord/file";
import { Coordinator } from "@coord/core";
import { defaultFolder, fromUrl } from "../src/disk/folder.js";
import { fileNameOf } from "../src/file-names.js";

describe("the file of a lock", () => {
  test.each([
    ["mylock", "mylock"],
    ["share-7_a.b,c=d+e@f", "share-7_a.b,c=d+e@f"],
    ["Upper", "Upper"],
    ["a/b", "a%2fb"],
    ["a b", "a%20b"],
    ["100%", "100%25"],
    [".", "%2e"],
    ["..", "%2e%2e"],
    [".hidden", "%2ehidden"],
    ["trailing.", "trailing%2e"],
    ["é", "%c3%a9"],
    ["😀", "%f0%9f%98%80"],
    ["nul\0", "nul%00"],
    ["groups", "%67roups"],
    ["tmp", "%74mp"],
    [".driver_lock", "%2edriver_lock"],
    ["x%info", "x%25info"],
  ])("%j is %s", (name, expected) => {
    expect(fileNameOf(name, "linux")).toBe(expected);
  });

  test("has no upper case where the file system may ignore it, and no device's name on Windows", () => {
    expect(fileNameOf("Upper", "darwin")).toBe("%55pper");
    expect(fileNameOf("upper", "darwin")).toBe("upper");
    expect(fileNameOf("con", "win32")).toBe("%63on");
    expect(fileNameOf("com1.txt", "win32")).toBe("%63om1.txt");
    expect(fileNameOf("control", "win32")).toBe("control");
  });

  test("is short however long the name, and another one for names that differ at the end only", () => {
    const names = [
      "x".repeat(200),
      "x".repeat(201),
      `${"x".repeat(5_000)}1`,
      `${"x".repeat(5_000)}2`,
    ];
    const files = names.map((name) => fileNameOf(name, "linux"));
    expect(files[0]).toBe(names[0]);
    expect(new Set(files).size).toBe(4);
    // With the longest ending of a file of ours, still within what file systems allow.
    for (const path of files) expect(path.length + "%info".length).toBeLessThanOrEqual(255);
    expect(files[2]).toMatch(/^x{100}%sha256-[0-9a-f]{64}$/);
  });
});

describe("the folder of a URL", () => {
  test.each([
    ["file://~/locks", "file:///absolute/path"],
    ["file://host/locks", "file:///absolute/path"],
    ["file://user@localhost/locks", "file:///absolute/path"],
    ["file://", "names no folder"],
  ])("%s is COORD_BAD_URL that says what to write", async (backendUrl, advice) => {
    const coordinator = new Coordinator({ backendUrl, drivers: [file] });
    await expect(coordinator.start()).rejects.toMatchObject({
      code: "COORD_BAD_URL",
      message: expect.stringContaining(advice),
    });
  });

  test("may begin with a drive on Windows", () => {
    expect(fromUrl("/C:/locks", "win32")).toBe("C:/locks");
    expect(fromUrl("/C:/locks", "linux")).toBe("/C:/locks");
    expect(fromUrl("/share/C:/locks", "win32")).toBe("/share/C:/locks");
  });

  test("is, if it names none, the user's place for state", () => {
    const linux = (environment: Record<string, string>): string =>
      defaultFolder(environment, "linux", "/home/u");
    expect(linux({})).toBe("/home/u/.local/state/coord");
    expect(linux({ XDG_STATE_HOME: "/state" })).toBe("/state/coord");
    expect(linux({ XDG_STATE_HOME: "relative" })).toBe("/home/u/.local/state/coord");
    expect(linux({ XDG_STATE_HOME: "/state", COORD_STATE_PATH: "/var/coord" })).toBe("/var/coord");
    expect(linux({ COORD_STATE_PATH: "here" })).toBe(resolve("here"));
    expect(defaultFolder({}, "darwin", "/Users/u")).toBe(
      "/Users/u/Library/Application Support/coord",
    );
    expect(defaultFolder({ LOCALAPPDATA: "/local" }, "win32", "/u")).toBe(join("/local", "coord"));
    expect(() => defaultFolder({}, "linux", "")).toThrow(/COORD_STATE_PATH/);
  });
});
