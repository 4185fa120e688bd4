import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  configureDefaultCoordinator,
  Coordinator,
  defaultCoordinator,
  lock,
  synchronized,
} from "@coord/core";
import { Scripted } from "./scripted.js";

const place = Symbol.for("@coord/core.default-coordinator.v1");
let backend: Scripted;

beforeEach(() => {
  backend = new Scripted();
  // A program has one for as long as it lives; a test, one of its own.
  Reflect.deleteProperty(globalThis, place);
});

afterEach(async () => {
  await defaultCoordinator().stop();
  Reflect.deleteProperty(globalThis, place);
  vi.unstubAllEnvs();
});

function configure(): Coordinator {
  return configureDefaultCoordinator({
    backendUrl: "scripted:",
    drivers: [backend.driver],
    prefix: "p-",
  });
}

describe("the default coordinator", () => {
  test("is made from the environment when it is first asked for, and only then", () => {
    vi.stubEnv("COORD_AGENT_ID", "7");
    vi.stubEnv("COORD_PREFIX", "billing-");
    const coordinator = defaultCoordinator();
    expect(coordinator).toBeInstanceOf(Coordinator);
    expect([coordinator.memberId, coordinator.state]).toEqual(["billing-7", "idle"]);
    vi.stubEnv("COORD_AGENT_ID", "8");
    expect(defaultCoordinator()).toBe(coordinator);
  });

  test("says what is wrong with the environment, and is made once that is right", () => {
    vi.stubEnv("COORD_TTL", "soon");
    expect(() => defaultCoordinator()).toThrow(/COORD_TTL must be a number/);
    vi.stubEnv("COORD_TTL", "9000");
    expect(defaultCoordinator().state).toBe("idle");
  });

  test("is configured once, before anybody asks for it", () => {
    const coordinator = configure();
    expect(defaultCoordinator()).toBe(coordinator);
    const late = expect.objectContaining({
      code: "COORD_BAD_OPTION",
      message: expect.stringContaining("already in use"),
    });
    expect(configure).toThrow(late);
    Reflect.deleteProperty(globalThis, place);
    defaultCoordinator();
    expect(configure).toThrow(late);
  });

  test("may be configured again when the options were wrong", () => {
    const wrong = { backendUrl: "no url" };
    expect(() => configureDefaultCoordinator(wrong)).toThrow(
      expect.objectContaining({ code: "COORD_BAD_URL" }),
    );
    expect(configure().memberId).toMatch(/^p-/);
  });

  test("is the same for another copy of this package", async () => {
    const coordinator = configure();
    vi.resetModules();
    const copy = await import("@coord/core");
    expect(copy.defaultCoordinator).not.toBe(defaultCoordinator);
    expect(copy.defaultCoordinator()).toBe(coordinator);
    await coordinator.start();
    expect(await copy.lock("x").run((hold) => hold.name)).toBe("p-x");
    expect(await copy.synchronized("y-{a}")((a: number) => a)(1)).toBe(1);
    expect(backend.session.requests.map(({ name }) => name)).toEqual(["p-x", "p-y-1"]);
  });
});

describe("lock()", () => {
  test("makes the lock of a template, of the default coordinator or of the one given", async () => {
    const coordinator = configure();
    await coordinator.start();
    expect(lock("x").name).toBe("p-x");
    expect(lock("share-{share.id}", { share: { id: 7 } }).name).toBe("p-share-7");
    const other = new Coordinator({ backendUrl: "scripted:", drivers: [backend.driver] });
    await other.start();
    expect(lock("{a}", { a: 1 }, other).name).toBe("1");
    expect(() => lock("{a}")).toThrow(expect.objectContaining({ code: "COORD_BAD_TEMPLATE" }));
    await other.stop();
  });

  test("needs it started: the error says how, and leaves it to be configured", async () => {
    const toStart = expect.objectContaining({
      code: "COORD_NOT_STARTED",
      message: expect.stringContaining("Await defaultCoordinator().start()"),
    });
    expect(() => lock("x")).toThrow(toStart);
    const work = synchronized("x")(() => 1);
    await expect(work()).rejects.toEqual(toStart);
    const coordinator = configure();
    expect(() => lock("x")).toThrow(toStart);
    await expect(work()).rejects.toEqual(toStart);
    await coordinator.start();
    expect(await work()).toBe(1);
    await coordinator.stop();
    expect(() => lock("x")).toThrow(expect.objectContaining({ code: "COORD_STOPPED" }));
    await expect(work()).rejects.toMatchObject({ code: "COORD_STOPPED" });
    await coordinator.start();
    expect(await work()).toBe(1);
  });
});
