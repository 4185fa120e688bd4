import { onAbort, type Clock } from "@coord/core/driver";

/** How many turns of the event loop, and at least how many milliseconds for each, a connection gets to close. */
const [turns, each] = [8, 3] as const;

/** Waits for a connection that was told to close: gRPC takes some turns, and does not tell when it has. */
export async function farewell(clock: Clock, signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < turns && !signal.aborted; turn++) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel();
        unlisten();
        resolve();
      };
      const timer = clock.timer(each, done);
      const unlisten = onAbort(signal, done);
    });
  }
}
