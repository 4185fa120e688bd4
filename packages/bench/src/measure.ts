import type { Backend } from "./backend.js";
import { type Figure, ratioOf, type Reading } from "./figure.js";
import type { Pace } from "./pace.js";
import type { Readings, Scenario } from "./scenario.js";
import { scenarios } from "./scenarios/index.js";

/**
 * Plays all scenarios on a place of the backend's own, and gives the figures of each when they are
 * there: every scenario, metric and subject, also where there is no value.
 */
export async function* measure(backend: Backend, pace: Pace): AsyncGenerator<readonly Figure[]> {
  await using place = await backend.setUp();
  for (const scenario of scenarios) {
    const why = backend.inapplicable[scenario.name];
    const stage = { backend, place, pace };
    const readings: Readings = why === undefined ? await scenario.play(stage) : new Map();
    yield figuresOf(backend, scenario, readings);
  }
}

function figuresOf(backend: Backend, scenario: Scenario, readings: Readings): readonly Figure[] {
  const read = (subject: string, metric: string): Reading => {
    const none = backend.inapplicable[scenario.name];
    if (none !== undefined) return { none };
    const reading = readings.get(subject)?.[metric];
    if (reading) return reading;
    throw new Error(`${scenario.name} has not measured ${metric} of ${subject}`);
  };
  return scenario.metrics.flatMap(({ name: metric }) => {
    const floor = read("floor", metric);
    return backend.subjects.map(({ name: subject }) => {
      const reading = read(subject, metric);
      const place = { backend: backend.name, scenario: scenario.name, subject, metric };
      return { ...place, reading, ratio: ratioOf(reading, floor) };
    });
  });
}
