import { randomUUID } from "node:crypto";
import { connect } from "@coord/core";
import type { Locker, LockerOptions, Subject } from "../backend.js";

/**
 * A coordinator with its defaults. The driver has to be imported by whoever opens it. What it warns
 * of, such as watches that ran out, explains figures: it goes to stderr.
 */
export const coord: Subject = {
  name: "coord",
  how: "`connect()` with its defaults, `lock.acquire()`, `hold.release()`",
  open: openCoordinator,
};

async function openCoordinator(backendUrl: string, { ttl }: LockerOptions): Promise<Locker> {
  const tell = (message: string): void => void process.stderr.write(`coord: ${message}\n`);
  const coordinator = await connect(backendUrl, {
    agentId: randomUUID(),
    logger: { debug: () => {}, info: () => {}, warn: tell, error: tell },
    ...(ttl === undefined ? {} : { ttl }),
  });
  return {
    lock: (name) => {
      const lock = coordinator.getLock(name);
      return async () => {
        const hold = await lock.acquire();
        return () => hold.release();
      };
    },
    close: () => coordinator.stop(),
  };
}
