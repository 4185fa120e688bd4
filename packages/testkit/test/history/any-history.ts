import type { FaultClass, Line } from "@coord/testkit/history";
import fc from "fast-check";
import { alive, end, fault, Story, state, type Piece } from "./fixture.js";

/** Processes, names and times are few, so that much coincides. */
const pid = fc.integer({ min: 1, max: 3 });
const name = fc.constantFrom("x", "x", "y");
const time = fc.integer({ min: 0, max: 60 });
const step = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 5, max: 30 }),
);

const request = fc
  .record({
    pid,
    name,
    shared: fc.boolean(),
    wait: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
    asked: time,
    steps: fc.array(step, { minLength: 9, maxLength: 9 }),
    queued: fc.boolean(),
    aborts: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
    answer: fc.constantFrom("granted", "granted", "granted", "refused", "none"),
    token: fc.integer({ min: 1, max: 6 }),
    looks: fc.integer({ min: 0, max: 3 }),
    ending: fc.constantFrom("none", "release", "releasing", "lost"),
    reason: fc.constantFrom("expired", "taken", "broken"),
  })
  .map((drawn) => (hold: number): Piece => {
    const { asked, steps, token, looks, ending, wait } = drawn;
    let now = asked;
    const next = (): number => (now += steps[Math.min(8, passed++)] ?? 0);
    let passed = 0;
    const { pid: of, name: lock, shared } = drawn;
    const told = { pid: of, hold, name: lock, shared, ...(wait === undefined ? {} : { wait }) };
    const story = new Story(told).ask(asked);
    if (drawn.queued) story.step("queued", next());
    if (drawn.aborts) story.step("abort", next());
    if (drawn.answer === "refused") story.refused(next());
    if (drawn.answer !== "granted") return story.lines;
    story.granted(next(), token);
    for (let look = 0; look < looks; look++) story.held(next());
    if (ending === "lost") story.lost(next(), drawn.reason);
    if (ending === "release") story.step("release", next()).step("released", next());
    if (ending === "releasing") story.step("release", next());
    return story.lines;
  });

const kinds: Readonly<Record<string, FaultClass>> = {
  kill: "time",
  pause: "time",
  cut: "time",
  revoke: "revoked",
  break: "asked",
};

const anyFault = fc
  .record({
    kind: fc.constantFrom("kill", "pause", "cut", "revoke", "revoke", "break"),
    pid: fc.oneof(pid, fc.constant(0)),
    name: fc.option(name, { nil: undefined }),
    from: time,
    lasts: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 9 }),
  })
  .map(({ kind, pid: of, name: lock, from, lasts }) => {
    const until = lasts === undefined ? undefined : from + lasts;
    const whom = { pid: of, ...(lock === undefined ? {} : { name: lock }) };
    return fault(kinds[kind] ?? "time", kind, until === undefined ? [from] : [from, until], whom);
  });

const anyTurn = fc
  .tuple(pid, time, fc.integer({ min: 0, max: 5 }))
  .map(([of, since, lasts]) => alive(of, since, since + lasts));

/** A history that nobody would believe: whatever can be written is in some of them. */
export const anyHistory: fc.Arbitrary<Line[]> = fc
  .record({
    fair: fc.boolean(),
    requests: fc.array(request, { maxLength: 7 }),
    faults: fc.array(anyFault, { maxLength: 2 }),
    turns: fc.array(anyTurn, { maxLength: 3 }),
    states: fc.array(fc.tuple(pid, time), { maxLength: 1 }),
    end: fc.option(fc.integer({ min: 60, max: 150 }), { nil: undefined }),
  })
  .map(({ fair, requests, faults, turns, states, end: last }) => {
    const limits = { patienceMs: 5, recoverMs: 10, waitMs: 25 };
    const about = { backend: "any", seed: 0, fair, limits, schedule: [] };
    return [
      { t: "0", pid: 0, event: "begin", ...about },
      ...requests.flatMap((make, index) => make(index)),
      ...faults.flat(),
      ...inTurn(turns).flat(),
      ...states.flatMap(([of, ms]) => state(of, ms)),
      ...(last === undefined ? [] : end(last)),
    ];
  });

/** A loop's turns come one after the other: none that began before another ends after it. */
function inTurn(turns: readonly Piece[]): Piece[] {
  const begun = new Map<number, number>();
  const byEnd = turns.toSorted(([a], [b]) => Number(a?.t) - Number(b?.t));
  return byEnd.filter(([line]) => {
    if (line?.event !== "alive") return false;
    const since = Number(line.since);
    const isNext = since >= (begun.get(line.pid) ?? 0);
    if (isNext) begun.set(line.pid, since);
    return isNext;
  });
}
