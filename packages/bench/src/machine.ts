import { availableParallelism, cpus, loadavg, release, type } from "node:os";

/** From how much work of others on, in processes that want to run, figures suffer. */
const busyFrom = 0.5;

/** What the figures were measured on, as it is now. */
export interface Machine {
  /** In one line. */
  readonly description: string;
  /** Set where something else is at work, which makes figures worse than they could be. */
  readonly busy?: string;
}

/** Looks at the machine. To be called before anything is measured, as measuring is work too. */
export function lookAtMachine(): Machine {
  const [first] = cpus();
  const model = first?.model.trim() || "an unnamed processor";
  const load = (loadavg()[0] ?? 0).toFixed(2);
  const description = `Node ${process.versions.node}, ${type()} ${release()}, ${availableParallelism()} × ${model}, load ${load} before`;
  if (Number(load) < busyFrom) return { description };
  return {
    description,
    busy: `the machine is busy with something else (load ${load}): end that, or do not rely on the figures`,
  };
}
