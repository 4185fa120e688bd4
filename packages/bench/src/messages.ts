import type { Jobs } from "./jobs.js";

/** Which locker a worker opens; its one argument, as JSON. */
export interface Opening {
  readonly backend: string;
  readonly subject: string;
  readonly address: string;
  readonly ttl?: number;
}

/** The name of something a worker can do. */
export type Job = keyof Jobs;
type All<J extends Job> = Parameters<Jobs[J]>;
/** What a job takes, beside the locker, which the worker has. */
export type Input<J extends Job> = All<J> extends [unknown, ...infer Rest] ? Rest : [];
/** What a job gives. */
export type Output<J extends Job> = Awaited<ReturnType<Jobs[J]>>;

/** To a worker: do this, or end. */
export type Order =
  | { readonly do: Job; readonly input: readonly unknown[] }
  | { readonly do: "end" };

/** From a worker: it is ready, or what became of the last order. */
export type Answer = { readonly output: unknown } | { readonly error: string };
