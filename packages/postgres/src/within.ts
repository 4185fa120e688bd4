import { onAbort, type Clock } from "@coord/core/driver";
import type { Wire } from "./connection/wire.js";

/** Settles as `work` does, or rejects when `signal` is aborted. */
export function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(signal.reason as Error));
    work
      .then(resolve, reject)
      .finally(unlisten)
      .catch(() => {});
  });
}

/** Does what is asked on a connection; where that takes too long, the connection ends, and so does the work. */
export async function inTime(
  wire: Wire,
  { clock, ms }: { clock: Clock; ms: number },
  work: () => Promise<void>,
): Promise<void> {
  const timer = clock.timer(ms, () => wire.destroy());
  try {
    await work();
  } finally {
    timer.cancel();
  }
}
