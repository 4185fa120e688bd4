import type { Clock } from "./clock.js";
import { CoordError } from "./errors.js";

/** How long, in milliseconds, giving something back or closing may take before core goes on without. */
export const cleanUpWithin = 5_000;

/**
 * Runs `work` with a deadline of its own: after `ms` its signal is aborted and, whether `work` heeds
 * that or not, the promise rejects COORD_UNAVAILABLE.
 */
export function withDeadline<T>(
  clock: Clock,
  ms: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const timer = clock.timer(ms, () => {
      const message = `${what} took longer than ${Math.round(ms)} ms. See whether the backend answers.`;
      const error = new CoordError("COORD_UNAVAILABLE", message);
      reject(error);
      controller.abort(error);
    });
    (async () => work(controller.signal))()
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
