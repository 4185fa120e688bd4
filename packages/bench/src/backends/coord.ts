import { randomUUID } from "node:crypto";
import { connect } from "@coord/core";
import type { Locker, LockerOptions } from "../backend.js";

/**
 * A coordinator with its defaults, as a subject opens it. The driver has to be imported by whoever
 * calls this. What it warns of, such as watches that ran out, explains figures: it goes to stderr.
 */
export async function openCoordinator(backendUrl: string, { ttl }: LockerOptions): Promise<Locker> {
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
