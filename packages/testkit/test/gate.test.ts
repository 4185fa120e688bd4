import { expect, test } from "vitest";
import { Gate } from "../src/contract/gate.js";

test("a gate that is shut twice keeps back who waits, until it is opened once", async () => {
  const gate = new Gate();
  await gate.pass();
  gate.shut();
  const passed: string[] = [];
  void gate.pass().then(() => passed.push("one"));
  gate.shut();
  void gate.pass().then(() => passed.push("other"));
  await new Promise(setImmediate);
  expect(passed).toEqual([]);
  gate.open();
  await new Promise(setImmediate);
  expect(passed).toEqual(["one", "other"]);
  gate.shut();
  void gate.pass().then(() => passed.push("third"));
  await new Promise(setImmediate);
  expect(passed).toHaveLength(2);
});
