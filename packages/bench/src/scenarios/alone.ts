import { Crew, interleaveWarm, overRounds, type Scenario } from "../scenario.js";

/** One process, one lock, nobody else: acquire and release in a loop. */
export const alone: Scenario = {
  name: "alone",
  metrics: [{ name: "cycles/s", title: "acquire + release, per second" }],
  async play(stage) {
    await using crew = await Crew.start(stage);
    const rates = await interleaveWarm(
      stage.backend.subjects,
      stage.pace.alone,
      async (subject, ms) => {
        const { done, ns } = await crew.one(subject).do("loop", "alone", ms);
        return (done * 1e9) / ns;
      },
    );
    return new Map([...rates].map(([name, values]) => [name, { "cycles/s": overRounds(values) }]));
  },
};
