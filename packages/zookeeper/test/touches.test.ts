import { startLease } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { expect, test } from "vitest";
import type { Connection } from "../src/connection/connection.js";
import { Touches } from "../src/touches.js";

const ttl = 4_000;

/** A lease that begins now, and what is asked on one connection: each with when it is sent and answered. */
function touched({ isAlone = false } = {}) {
  const clock = new VirtualClock();
  const begin = clock.now();
  const lease = startLease(clock, { sentAt: begin, ttl });
  const touches = new Touches(lease, { isAlone, clock });
  const connection = { askedAt: begin } as Connection;
  return async (sentAt: number, answeredAt: number, byMajority: boolean): Promise<number> => {
    await clock.advance(begin + answeredAt - clock.now());
    touches.answered(connection, begin + sentAt, { byMajority });
    return lease.endsAt - begin - ttl;
  };
}

test("one server alone has heard of us when we sent what it answered", async () => {
  const asked = touched({ isAlone: true });
  expect(await asked(300, 400, false)).toBe(300);
});

test("in an ensemble what one server answers renews nothing, and what a majority agrees to renews from what was answered a quarter of the timeout before that was asked", async () => {
  const asked = touched();
  expect(await asked(300, 310, false)).toBe(0);
  expect(await asked(900, 910, false)).toBe(0);
  expect(await asked(1_500, 1_510, true)).toBe(300);
  expect(await asked(2_000, 2_010, true)).toBe(900);
});

test("in an ensemble what was on its way for long counts from when it had been answered: the server may have heard of it no earlier", async () => {
  const asked = touched();
  expect(await asked(100, 110, false)).toBe(0);
  expect(await asked(300, 1_600, false)).toBe(0);
  expect(await asked(1_620, 1_640, true)).toBe(100);
  expect(await asked(2_630, 2_640, true)).toBe(300);
});
