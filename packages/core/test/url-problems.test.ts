import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { badUrl, badUrlOption, readFileOf } from "@coord/core/driver";
import { describe, expect, onTestFinished, test } from "vitest";

describe("what a driver says of a backendUrl", () => {
  test("has a code, and what caused it", () => {
    const cause = new Error("why");
    expect(badUrl("Name a host.")).toMatchObject({
      code: "COORD_BAD_URL",
      message: "Name a host.",
    });
    expect(badUrlOption("Give both.", cause)).toMatchObject({ code: "COORD_BAD_OPTION", cause });
    expect(badUrlOption("Give both.")).not.toHaveProperty("cause");
  });

  test("of a file is its bytes, or which option names one that cannot be read, and why", () => {
    const folder = mkdtempSync(join(tmpdir(), "coord-files-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "ca.pem");
    writeFileSync(file, "a certificate");
    expect(readFileOf("ca", file).toString()).toBe("a certificate");
    expect(() => readFileOf("ca", join(folder, "none"))).toThrow(
      expect.objectContaining({
        code: "COORD_BAD_OPTION",
        message: 'The file of "ca" cannot be read (ENOENT). Name one that can.',
      }),
    );
  });
});
