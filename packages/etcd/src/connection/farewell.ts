import { onAbort, type Clock } from "@coord/core/driver";

/** For how many milliseconds a connection is waited for that was told to close. */
const farewellFor = 20;

/** Waits: gRPC takes some turns of the event loop to close a connection, and does not tell when it has. */
export function farewell(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      unlisten();
      resolve();
    };
    const timer = clock.timer(farewellFor, done);
    const unlisten = onAbort(signal, done);
  });
}
