import { describe, expect, test } from "vitest";
import { readSettings, type CoordinatorOptions } from "../src/settings.js";

describe("a coordinator's options", () => {
  test("have Manila's defaults, in milliseconds", () => {
    const settings = readSettings({}, {});
    expect(settings).toMatchObject({
      backendUrl: "file:",
      prefix: "",
      ttl: 30_000,
      heartbeat: 1_000,
      initialReconnectBackoff: 100,
      maxReconnectBackoff: 60_000,
    });
    expect(settings.memberId).toMatch(/^[0-9a-f-]{36}$/);
    expect(readSettings({}, {}).memberId).not.toBe(settings.memberId);
  });

  test("put the prefix before the agent's id", () => {
    expect(readSettings({ prefix: "billing-", agentId: "7" }, {}).memberId).toBe("billing-7");
  });

  test("are read from the environment where they are not given", () => {
    const environment = {
      COORD_BACKEND_URL: "memory:",
      COORD_AGENT_ID: "a",
      COORD_PREFIX: "p-",
      COORD_TTL: "9000",
      COORD_HEARTBEAT: "900",
      COORD_BEAT_TIMEOUT: "300",
      COORD_INITIAL_RECONNECT_BACKOFF: "10",
      COORD_MAX_RECONNECT_BACKOFF: "20",
    };
    expect(readSettings({ ttl: 8_000 }, environment)).toMatchObject({
      backendUrl: "memory:",
      memberId: "p-a",
      ttl: 8_000,
      heartbeat: 900,
      beatTimeout: 300,
      initialReconnectBackoff: 10,
      maxReconnectBackoff: 20,
    });
  });

  const bad: [CoordinatorOptions, string][] = [
    [{ ttl: 0 }, '"ttl"'],
    [{ ttl: -1 }, '"ttl"'],
    [{ heartbeat: Number.NaN }, '"heartbeat"'],
    [{ maxReconnectBackoff: Infinity }, '"maxReconnectBackoff"'],
    [{ ttl: "30" as unknown as number }, '"ttl"'],
    [{ heartbeat: 30_000 }, '"heartbeat"'],
    [{ initialReconnectBackoff: 2, maxReconnectBackoff: 1 }, '"initialReconnectBackoff"'],
    [{ agentId: "" }, '"agentId"'],
    [{ agentId: "\ud800" }, '"agentId"'],
    [{ prefix: 5 as unknown as string }, '"prefix"'],
    [{ backendURL: "file:" } as CoordinatorOptions, "backendUrl"],
  ];
  test.each(bad)("%o is COORD_BAD_OPTION naming what is wrong", (options, named) => {
    expect(() => readSettings(options, {})).toThrow(
      expect.objectContaining({
        code: "COORD_BAD_OPTION",
        message: expect.stringContaining(named),
      }),
    );
  });

  test("take an empty variable for one that is not set", () => {
    const empty = { COORD_BACKEND_URL: "", COORD_AGENT_ID: "", COORD_TTL: "" };
    expect(readSettings({}, empty)).toMatchObject({ backendUrl: "file:", ttl: 30_000 });
  });

  test("name the variable when it is the environment that is wrong", () => {
    expect(() => readSettings({}, { COORD_TTL: "30s" })).toThrow(/COORD_TTL must be a number/);
  });
});
