import { expect, test } from "vitest";
import { Attempt } from "../src/attempt.js";
import { Request } from "../src/request.js";
import { VirtualClock } from "../src/memory/virtual-clock.js";

const enough = new Error("enough");
const settled = (): Promise<void> => new Promise(setImmediate);

function requested() {
  const attempt = new Attempt(new VirtualClock(), Infinity, undefined);
  const want = { shared: false, timeout: Infinity, signal: undefined };
  return { attempt, request: new Request("x", "1", want, { member: "me" }, attempt) };
}

test("a request tells each who listens once of an abort, after which its signal is aborted", () => {
  const { attempt, request } = requested();
  const told: string[] = [];
  request.onAbort(() => void told.push(`first ${request.signal.aborted}`));
  request.onAbort(() => void told.push(`second ${request.signal.aborted}`));
  attempt.end(enough);
  attempt.end(new Error("again"));
  expect(told.toSorted()).toEqual(["first true", "second true"]);
  expect(request.signal.reason).toBe(enough);
});

test("a request tells whoever begins to listen after the abort soon, not at once", async () => {
  const { attempt, request } = requested();
  attempt.end(enough);
  let told = 0;
  request.onAbort(() => (told += 1));
  expect(told).toBe(0);
  await settled();
  expect(told).toBe(1);
});

test("a request tells nobody who has taken that back, before the abort or just after", async () => {
  const { attempt, request } = requested();
  let told = 0;
  const listener = (): number => (told += 1);
  const [first, second] = [request.onAbort(listener), request.onAbort(listener)];
  first();
  second();
  attempt.end(enough);
  request.onAbort(listener)();
  await settled();
  expect(told).toBe(0);
});
