import type { Reading } from "../figure.js";
import { Crew, interleaveWarm, overRounds, type Scenario } from "../scenario.js";
import { quantile } from "../statistics.js";
import { switchesOf, type Switches } from "../switches.js";
import { TurnsLog } from "../turns-log.js";

const processes = 4;
/** So long, in milliseconds, an order may be on its way. */
const notice = 20;

/** Four processes, one lock, all asking again at once, nobody sleeping inside. */
export const turns: Scenario = {
  name: "turns",
  metrics: [
    { name: "switches/s", title: "changes of owner between processes, per second" },
    { name: "switch_p50_ms", title: "a change of owner, median, ms" },
    { name: "switch_p99_ms", title: "a change of owner, 99th percentile, ms" },
    { name: "longest_wait_ms", title: "longest wait for a turn, ms" },
    { name: "fairness", title: "fairness (Jain's index of the processes' turns)" },
  ],
  async play(stage) {
    const { turns: pace } = stage.pace;
    await using crew = await Crew.start(stage, { each: processes });
    const results = await interleaveWarm(stage.backend.subjects, pace, async (subject, ms) => {
      const start = process.hrtime.bigint() + nanoseconds(notice);
      const from = start + nanoseconds(pace.settleMs);
      const until = from + nanoseconds(ms);
      const logs = await Promise.all(
        crew.all(subject).map((worker) => worker.do("turns", "turns", start, until)),
      );
      return switchesOf(
        logs.map((log) => TurnsLog.of(log)),
        from,
        until,
      );
    });
    return new Map([...results].map(([name, all]) => [name, readingsOf(all, pace.ms)]));
  },
};

/** The times are those of all rounds together, so that the 99th percentile is one of many. */
function readingsOf(rounds: readonly Switches[], ms: number): Record<string, Reading> {
  const times = rounds.flatMap((round) => round.times);
  const none = { none: "because no process ever took over from another" };
  const at = (share: number): Reading =>
    times.length === 0 ? none : { value: quantile(times, share) };
  return {
    "switches/s": overRounds(rounds.map((round) => (round.times.length * 1e3) / ms)),
    switch_p50_ms: at(0.5),
    switch_p99_ms: at(0.99),
    longest_wait_ms: { value: Math.max(...rounds.map(({ longestWait }) => longestWait)) },
    fairness: overRounds(rounds.map(({ fairness }) => fairness)),
  };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
