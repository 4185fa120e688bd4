import { VirtualClock } from "@coord/core/memory";
import { expect, test } from "vitest";
import { Watchdog } from "../src/connection/watchdog.js";

function watched() {
  const clock = new VirtualClock();
  let silences = 0;
  const patience = { ms: 1_000 };
  const watchdog = new Watchdog(
    clock,
    () => patience.ms,
    () => (silences += 1),
  );
  return { clock, watchdog, patience, silences: () => silences };
}

test("a watchdog tells once of an answer that does not come, counted from the first request", async () => {
  const { clock, watchdog, silences } = watched();
  watchdog.asked();
  await clock.advance(900);
  watchdog.asked();
  expect(silences()).toBe(0);
  await clock.advance(100);
  expect(silences()).toBe(1);
  await clock.advance(5_000);
  expect([silences(), clock.pending]).toEqual([1, 0]);
});

test("a watchdog begins to count anew with what is asked after an answer, and sets one timer for all", async () => {
  const { clock, watchdog, silences } = watched();
  for (let turn = 0; turn < 20; turn++) {
    watchdog.asked();
    watchdog.asked();
    expect(clock.pending).toBe(1);
    await clock.advance(300);
    watchdog.heard();
  }
  expect(silences()).toBe(0);
  watchdog.asked();
  await clock.advance(999);
  expect(silences()).toBe(0);
  await clock.advance(1);
  expect(silences()).toBe(1);
});

test("a watchdog leaves no timer where nothing is asked, nor once it is stopped", async () => {
  const { clock, watchdog, silences } = watched();
  watchdog.asked();
  watchdog.heard();
  watchdog.heard();
  await clock.advance(1_000);
  expect(clock.pending).toBe(0);
  watchdog.asked();
  watchdog.stop();
  await clock.advance(5_000);
  expect([silences(), clock.pending]).toEqual([0, 0]);
});

test("a watchdog with less patience than before is not late, although its timer is an older one", async () => {
  const { clock, watchdog, patience, silences } = watched();
  patience.ms = 5_000;
  watchdog.asked();
  await clock.advance(100);
  watchdog.heard();
  patience.ms = 1_000;
  watchdog.asked();
  await clock.advance(999);
  expect(silences()).toBe(0);
  await clock.advance(1);
  expect([silences(), clock.pending]).toEqual([1, 0]);
});
