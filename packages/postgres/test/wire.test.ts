import { systemClock } from "@coord/core/driver";
import { TcpProxy } from "@coord/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Wire } from "../src/connection/wire.js";
import { PostgresServer } from "./postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A connection with some prepared statements, and all that it sends from then on. */
async function wired() {
  let sent = "";
  const watch = () => (bytes: Buffer) => {
    sent += bytes.toString("latin1");
    return 0;
  };
  const proxy = await TcpProxy.start({ port: server.port, requests: watch });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const target = {
    host: "127.0.0.1",
    port: proxy.port,
    user: "postgres",
    database: "postgres",
    password: () => Promise.resolve(""),
    tls: false as const,
  };
  const wire = await Wire.open(target, {
    clock: systemClock,
    within: 5_000,
    signal: new AbortController().signal,
    application: "wire",
    greet: async (open) => {
      await open.run(`PREPARE plus(bigint, int) AS SELECT $1 + $2;
        PREPARE each_of(bigint[], bool[]) AS SELECT a, b, NULL FROM unnest($1, $2) q(a, b);
        PREPARE divided(bigint) AS SELECT 1 / $1`);
    },
    lost: () => {},
  });
  onTestFinished(() => wire.destroy());
  sent = "";
  return { wire, sent: () => sent };
}

const plus = (a: number, b: number) => ({ statement: "plus", args: [String(a), String(b)] });

test("a prepared statement is asked for by the protocol where nothing else is under way, else in SQL", async () => {
  const { wire, sent } = await wired();
  expect(await wire.call(plus(1, 2))).toEqual([["3"]]);
  expect(sent()).toContain("\0plus\0");
  expect(sent()).not.toContain("EXECUTE");
  const several = [wire.call(plus(3, 4)), wire.call(plus(5, 6)), wire.run("SELECT 1, 2")];
  expect(await Promise.all(several)).toEqual([[["7"]], [["11"]], [["1", "2"]]]);
  expect(sent().match(/\0plus\0/g)).toHaveLength(2);
  expect(sent()).toContain("EXECUTE plus('5','6')");
});

test("a prepared statement with more than an empty socket surely takes at once is asked for in SQL", async () => {
  const { wire, sent } = await wired();
  const [numbers, flags] = [
    Array.from({ length: 1_000 }, (_, n) => n),
    Array.from({ length: 1_000 }, () => true),
  ];
  const call = { statement: "each_of", args: [`{${numbers.join()}}`, `{${flags.join()}}`] };
  expect(await wire.call(call)).toHaveLength(1_000);
  expect(sent()).toContain("EXECUTE each_of(");
  expect(sent()).not.toContain("\0each_of\0");
});

test("rows are those of the last statement, as text, whichever way they were asked for", async () => {
  const { wire } = await wired();
  const call = { statement: "each_of", args: ["{1,-9223372036854775808}", "{true,false}"] };
  const rows = [
    ["1", "t", null],
    ["-9223372036854775808", "f", null],
  ];
  expect(await wire.call(call)).toEqual(rows);
  expect(await Promise.all([wire.run("SELECT 1"), wire.call(call)])).toEqual([[["1"]], rows]);
  expect(await wire.run("SELECT 1; SELECT 2 UNION ALL SELECT 3")).toEqual([["2"], ["3"]]);
  expect(await wire.run("SELECT 1; SET jit = off")).toEqual([]);
  expect(await wire.run("")).toEqual([]);
});

test("what the server says against one request ends no other, whichever way it was asked for", async () => {
  const { wire } = await wired();
  const divided = { statement: "divided", args: ["0"] };
  await expect(wire.call(divided)).rejects.toMatchObject({ code: "22012" });
  const answers = await Promise.allSettled([
    wire.call(plus(1, 1)),
    wire.call(divided),
    wire.run("SELECT 1; SELECT 1 / 0; SELECT 2"),
    wire.call(plus(2, 2)),
  ]);
  expect(answers).toMatchObject([
    { value: [["2"]] },
    { reason: { code: "22012" } },
    { reason: { code: "22012" } },
    { value: [["4"]] },
  ]);
  expect(await wire.call(plus(3, 3))).toEqual([["6"]]);
});
