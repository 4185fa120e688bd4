import { Crew, interleaveWarm, overRounds, type Scenario } from "../scenario.js";

/**
 * One process asks for many locks at once and gives each back when it has it. The first round, which
 * is not counted, makes the names.
 */
export const many: Scenario = {
  name: "many",
  metrics: [{ name: "locks/s", title: "acquire + release, per second" }],
  async play(stage) {
    const { many: pace } = stage.pace;
    await using crew = await Crew.start(stage);
    const rates = await interleaveWarm(stage.backend.subjects, pace, async (subject, ms) => {
      const { done, ns } = await crew.one(subject).do("wave", "many", pace.names, ms);
      return (done * 1e9) / ns;
    });
    return new Map([...rates].map(([name, values]) => [name, { "locks/s": overRounds(values) }]));
  },
};
