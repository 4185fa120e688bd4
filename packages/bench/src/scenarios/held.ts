import { setTimeout as pause } from "node:timers/promises";
import type { Place, Subject } from "../backend.js";
import type { Reading } from "../figure.js";
import { start, type Scenario, type Stage } from "../scenario.js";

/** One process holds many locks and does nothing else. */
export const held: Scenario = {
  name: "held",
  metrics: [
    { name: "held_locks", title: "locks held at once by one process" },
    { name: "held_cpu_pct", title: "processor time at rest, % of one core" },
    { name: "held_roundtrips_per_period", title: "round trips of one renewal of all" },
    { name: "held_bytes_per_lock", title: "memory of each in the process, bytes" },
  ],
  async play(stage) {
    const readings = new Map<string, Record<string, Reading>>();
    for (const subject of stage.backend.subjects) {
      readings.set(subject.name, await hold(stage, subject));
    }
    return readings;
  },
};

async function hold(stage: Stage, subject: Subject): Promise<Record<string, Reading>> {
  const { locks, settleMs, restMs } = stage.pace.held;
  // A process of its own, whose memory nothing else has grown; it is killed, as giving so many back is not measured.
  await using worker = await start(stage, subject, { gc: true, counted: true });
  const { count, bytes, refused } = await worker.do("hold", "held", locks, settleMs);
  const { counted } = stage.place;
  const { renewsEvery = Infinity } = subject;
  if (counted && renewsEvery < restMs) await renewal(counted, renewsEvery);
  const before = counted?.roundTrips() ?? 0;
  const percent = await worker.do("rest", restMs);
  const trips = counted && counted.roundTrips() - before;
  worker.kill();
  const limit = refused === undefined ? {} : { remark: `no more than these: ${refused}` };
  return {
    held_locks: { value: count, ...limit },
    held_cpu_pct: { value: percent },
    held_roundtrips_per_period: perPeriod(subject, trips, restMs),
    held_bytes_per_lock: { value: Math.round(bytes) },
  };
}

/** Waits until all were renewed, a tenth of a period ago: what is counted from there on is of whole periods. */
async function renewal(counted: NonNullable<Place["counted"]>, period: number): Promise<void> {
  const before = counted.roundTrips();
  for (let waited = 0; counted.roundTrips() === before && waited < 2 * period; waited += 1)
    await pause(1);
  await pause(period / 10);
}

/** Of what was counted in some milliseconds, how much is one renewal of all. */
function perPeriod(subject: Subject, trips: number | undefined, ms: number): Reading {
  if (trips === undefined) return { none: "because there is no server" };
  const { renewsEvery } = subject;
  if (renewsEvery === undefined) return { none: "because nothing is renewed" };
  return { value: (trips * renewsEvery) / ms };
}
