import { connect, type Coordinator, type CoordinatorOptions } from "@coord/core";
import { postgres } from "@coord/postgres";
import { expect, onTestFinished } from "vitest";
import { PostgresServer } from "./postgres-server.js";

/** A server that this test alone uses, and may kill. */
export async function ownServer(
  settings: Record<string, string | number> = {},
): Promise<PostgresServer> {
  const own = await PostgresServer.start(settings);
  onTestFinished(() => own[Symbol.asyncDispose]());
  return own;
}

/** A coordinator that is stopped when the test ends. */
export async function start(
  url: string,
  options: Partial<CoordinatorOptions> = {},
): Promise<Coordinator> {
  const all = { drivers: [postgres], ttl: 2_000, heartbeat: 200, ...options };
  const coordinator = await connect(url, all);
  onTestFinished(() => coordinator.stop());
  return coordinator;
}

/** Waits for the next time that the state is this. */
export async function state(coordinator: Coordinator, wanted: string): Promise<void> {
  await expect.poll(() => coordinator.state, { timeout: 10_000, interval: 1 }).toBe(wanted);
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** How many keys a session holds besides its locks: its own, and that of its home. */
export const ownKeys = 2;
