import { describe, expect, test } from "vitest";
import { Keys } from "../src/keys.js";
import { Queue } from "../src/queue.js";

/** A queue whose connections put the marks 5, 6, …, and whose server does what `succeeded` says. */
async function queue({ succeeded }: { succeeded: boolean }) {
  const given: unknown[] = [];
  const asked: (() => void)[] = [];
  let mark = 5;
  const connection = {
    put: () => Promise.resolve(String(mark++)),
    txn: () =>
      new Promise((resolve) => asked.push(() => resolve({ succeeded, responses: [], header: {} }))),
  };
  const link = { connection, giveUp: (error: unknown) => void given.push(error) };
  const keys = new Keys("coord");
  const it = new Queue(keys, link as never, { lease: "1", now: () => 0 });
  const begin = () => it.begin(connection as never);
  await begin();
  const spot = keys.spot({ name: "x", mode: "exclusive" }, "own");
  return {
    given,
    begin,
    leave: (revision?: string) => it.leave(spot, revision),
    answer: () => asked.shift()?.(),
  };
}

describe("what is taken back without knowing since when it is there", () => {
  test("has the connection given up whose mark is not at the server: the next one puts a newer one", async () => {
    const { leave, answer, given } = await queue({ succeeded: false });
    const left = leave();
    answer();
    await expect(left).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(given).toHaveLength(1);
  });

  test("has no other connection given up that has begun meanwhile", async () => {
    const { leave, begin, answer, given } = await queue({ succeeded: false });
    const left = leave();
    await begin();
    answer();
    await expect(left).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    expect(given).toEqual([]);
  });

  test("and what is known to be there has no connection given up when it was there no more", async () => {
    const { leave, answer, given } = await queue({ succeeded: false });
    const left = leave("20");
    answer();
    expect(await left).toBe(false);
    expect(given).toEqual([]);
  });
});
