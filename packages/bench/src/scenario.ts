import type { Backend, Place, Subject } from "./backend.js";
import { Worker } from "./crew.js";
import type { Metric, Reading } from "./figure.js";
import type { Pace } from "./pace.js";
import { median } from "./statistics.js";

/** What a scenario is played on. */
export interface Stage {
  readonly backend: Backend;
  readonly place: Pick<Place, "address" | "counted">;
  readonly pace: Pace;
}

/** By a subject's name, by a metric's name. */
export type Readings = ReadonlyMap<string, Readonly<Record<string, Reading>>>;

/** Something that is measured of all subjects in one run. */
export interface Scenario {
  readonly name: string;
  readonly metrics: readonly Metric[];
  play(stage: Stage): Promise<Readings>;
}

/** How the workers of a scenario are started. */
export interface CrewOptions {
  /** How many processes each subject has. @default 1 */
  readonly each?: number;
  /** Whether lockers are opened with the shortest ttl the subject takes, in place of its default. */
  readonly shortestTtl?: boolean;
  /** Whether the processes have `gc()`. */
  readonly gc?: boolean;
  /** Whether they go by way of what counts round trips, where there is such. */
  readonly counted?: boolean;
}

/** Starts a worker with a subject's locker. */
export function start(
  { backend, place }: Stage,
  subject: Subject,
  { shortestTtl = false, gc = false, counted = false }: CrewOptions = {},
): Promise<Worker> {
  const { address } = (counted ? place.counted : undefined) ?? place;
  const ttl = shortestTtl ? subject.shortestTtl : undefined;
  const opening = { backend: backend.name, subject: subject.name, address };
  return Worker.start(ttl === undefined ? opening : { ...opening, ttl }, { gc });
}

/** The processes of all subjects, which end with it. Those that are not at work use no processor. */
export class Crew implements AsyncDisposable {
  readonly #workers = new Map<Subject, Worker[]>();

  static async start(stage: Stage, options: CrewOptions = {}): Promise<Crew> {
    const crew = new Crew();
    const starts = stage.backend.subjects.flatMap((subject) => {
      const workers: Worker[] = [];
      crew.#workers.set(subject, workers);
      return Array.from({ length: options.each ?? 1 }, async () => {
        workers.push(await start(stage, subject, options));
      });
    });
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected") return crew;
    await crew[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** The processes of a subject. */
  all(subject: Subject): readonly Worker[] {
    return this.#workers.get(subject) ?? [];
  }

  /** The first process of a subject. */
  one(subject: Subject): Worker {
    const [worker] = this.all(subject);
    if (!worker) throw new Error(`nobody works for ${subject.name}`);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = [...this.#workers.values()].flat();
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/**
 * Plays rounds, counted from 0, of all subjects, one after the other, so that what the machine does
 * meanwhile meets all alike; each round begins with another one, and every second one is in reverse, so
 * that what one leaves behind in the server does not always meet the same next one.
 */
export async function interleave<T>(
  subjects: readonly Subject[],
  rounds: number,
  play: (subject: Subject, round: number) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % subjects.length;
    const order = [...subjects.slice(first), ...subjects.slice(0, first)];
    for (const subject of round % 2 === 0 ? order : order.toReversed()) {
      results.get(subject.name)?.push(await play(subject, round));
    }
  }
  return results;
}

/** As `interleave()`, after a first round that warms all up and is not counted. */
export async function interleaveWarm<T>(
  subjects: readonly Subject[],
  { rounds, firstMs, ms }: { rounds: number; firstMs: number; ms: number },
  play: (subject: Subject, ms: number) => Promise<T>,
): Promise<Map<string, T[]>> {
  await interleave(subjects, 1, (subject) => play(subject, firstMs));
  return interleave(subjects, rounds, (subject) => play(subject, ms));
}

/** The median of rounds, with their range. */
export function overRounds(values: readonly number[]): Reading {
  return { value: median(values), range: [Math.min(...values), Math.max(...values)] };
}
