import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Keys } from "../src/keys.js";
import { messageIn } from "../src/messages.js";
import { start } from "./helpers.js";
import { PostgresServer } from "./postgres-server.js";
import { holdersOf, keyOf } from "./subject.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

test("what sessions say is read as it was meant", () => {
  const id = "6f1c1c3e-2b1e-4a52-9d1f-0a3d3b0c7e55";
  expect(messageIn("w -9223372036854775808 g")).toEqual({
    kind: "wake",
    key: -(2n ** 63n),
    whom: "g",
  });
  expect(messageIn("w 7 15")).toEqual({ kind: "wake", key: 7n, whom: "15" });
  expect(messageIn("w 7 *")).toEqual({ kind: "wake", key: 7n, whom: "*" });
  const broken = { kind: "break", key: 7n, id, backends: [12, 345] };
  expect(messageIn(`b 7 - ${id} 12,345`)).toEqual({ ...broken, token: undefined });
  expect(messageIn(`b 7 9000000000000000001 ${id} 12,345`)).toEqual({
    ...broken,
    token: 9_000_000_000_000_000_001n,
  });
  expect(messageIn(`r ${id} 12 y`)).toEqual({ kind: "answer", id, backend: 12, isGiven: true });
  expect(messageIn(`r ${id} 12 n`)).toEqual({ kind: "answer", id, backend: 12, isGiven: false });
});

describe("what strangers say on the channels of a namespace", () => {
  test("does nothing, whatever it is", async () => {
    const url = server.url();
    const one = await start(url);
    const hold = await one.getLock("x").acquire();
    const other = (await start(url)).getLock("x");
    const key = keyOf(url, "x");
    const [holder] = await server.sql(holdersOf(url, "x"));
    const namespace = new URL(url).searchParams.get("namespace") ?? "";
    const { channel } = new Keys(namespace);
    const id = crypto.randomUUID();
    const inject = "');SELECT/**/pg_advisory_unlock_all();--";
    const strange = [
      `b ${key} 0 ${inject} ${String(holder?.["pid"])}`,
      `b ${key} 0 ${id} ${String(holder?.["pid"])};x`,
      `b ${key} z ${id} ${String(holder?.["pid"])}`,
      `b x - ${id} ${String(holder?.["pid"])}`,
      "b",
      "w x",
      "w",
      `w ${key} ${inject}`,
      `r ${id} z y`,
      "r",
      "",
      "?",
    ];
    const mallory = await server.client();
    onTestFinished(() => mallory.end());
    for (const said of strange) {
      await mallory.query("SELECT pg_notify($1, $2)", [channel, said]);
    }
    const waiting = other.acquire();
    await expect.poll(async () => (await other.inspect()).waiters.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    hold.assertHeld();
    expect(await server.sql(holdersOf(url, "x"))).toHaveLength(1);
    await hold.release();
    await (await waiting).release();
  });
});
