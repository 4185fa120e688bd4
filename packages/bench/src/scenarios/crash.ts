import { setTimeout as pause } from "node:timers/promises";
import type { Subject } from "../backend.js";
import type { Worker } from "../crew.js";
import type { Reading } from "../figure.js";
import { Crew, interleave, overRounds, start, type Scenario } from "../scenario.js";

/** So long, in milliseconds, the waiter has to be waiting. */
const settle = 100;

/** `kill -9` of the holder, until the one who waits has the lock. */
export const crash: Scenario = {
  name: "crash",
  metrics: [
    { name: "crash_ms", title: "from `kill -9` of the holder to the next grant, ms" },
    { name: "ttl_ms", title: "at a ttl of, ms" },
  ],
  async play(stage) {
    const byTime = stage.backend.subjects.some(({ shortestTtl }) => shortestTtl !== undefined);
    const rounds = byTime ? stage.pace.crash.timed : stage.pace.crash.rounds;
    const options = { shortestTtl: true };
    await using waiters = await Crew.start(stage, options);
    const results = await interleave(stage.backend.subjects, rounds, async (subject, round) => {
      await using holder = await start(stage, subject, options);
      // Kills are spread over what repeats itself: beats, renewals, looking again.
      const spread = Math.max(100, (subject.shortestTtl ?? 0) / 2);
      const phase = (round + 0.5) / rounds;
      // Not before that may the holder be let go.
      return await takeOver(holder, waiters.one(subject), settle + spread * phase);
    });
    return new Map(
      stage.backend.subjects.map((subject) => [
        subject.name,
        readingsOf(subject, results.get(subject.name) ?? []),
      ]),
    );
  },
};

/** How many milliseconds after the holder's death the waiter had the lock. */
async function takeOver(holder: Worker, waiter: Worker, after: number): Promise<number> {
  await holder.do("take", "crash");
  const taken = waiter.do("take", "crash");
  await Promise.race([pause(after), taken]);
  const killed = process.hrtime.bigint();
  holder.kill();
  const { asked, got } = await taken;
  await waiter.do("giveBack");
  if (got < killed) throw new Error("the lock was granted while its holder was alive");
  if (asked > killed) throw new Error(`the waiter had not begun to wait after ${after} ms`);
  return Number(got - killed) / 1e6;
}

function readingsOf(subject: Subject, times: readonly number[]): Record<string, Reading> {
  const { shortestTtl } = subject;
  return {
    crash_ms: overRounds(times),
    ttl_ms:
      shortestTtl === undefined
        ? { none: "because no hold ends by time: the death itself frees it" }
        : { value: shortestTtl },
  };
}
