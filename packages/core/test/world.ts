import { onTestFinished } from "vitest";
import { Coordinator, type CoordinatorOptions, type Hold, type Logger } from "@coord/core";
import { memory, VirtualClock, type MemoryDriver } from "@coord/core/memory";
import { Scripted } from "./scripted.js";

/** The ttl of a world's coordinators, in milliseconds. */
export const ttl = 10_000;
/** For so long users may rely on a lease of that ttl. */
export const usable = ttl - 500;
/** How often such a coordinator beats. */
export const beat = 1_000;

/** A backend in virtual time, and coordinators that have nothing but it in common. */
export interface World {
  readonly clock: VirtualClock;
  readonly backend: MemoryDriver;
  /** What coordinators logged, in order. */
  readonly log: string[];
  /** Makes a coordinator that is stopped when the test ends. */
  readonly make: (options?: CoordinatorOptions) => Coordinator;
  /** Makes one and starts it. */
  readonly start: (options?: CoordinatorOptions) => Promise<Coordinator>;
  /** What the promise has come to when so many milliseconds have passed. */
  readonly within: <T>(ms: number, promise: Promise<T>) => Promise<T | Pending>;
}

export function world(): World {
  const clock = new VirtualClock();
  const backend = memory({ clock });
  const log: string[] = [];
  const make = (options: CoordinatorOptions = {}): Coordinator => {
    const coordinator = new Coordinator({
      backendUrl: "memory:",
      drivers: [backend],
      clock,
      ttl,
      logger: recorder(log),
      ...options,
    });
    onTestFinished(async () => {
      backend.up();
      await Promise.all([coordinator.stop(), clock.advance(20_000)]);
    });
    return coordinator;
  };
  return {
    clock,
    backend,
    log,
    make,
    start: async (options) => {
      const coordinator = make(options);
      await coordinator.start();
      return coordinator;
    },
    within: async (ms, promise) => {
      promise.catch(() => {});
      await clock.advance(ms);
      return outcome(promise);
    },
  };
}

/** A backend that does as the test says, in virtual time, and a coordinator that is not started. */
export function scripted(more: CoordinatorOptions = {}): {
  backend: Scripted;
  clock: VirtualClock;
  coordinator: Coordinator;
} {
  const [backend, clock] = [new Scripted(), new VirtualClock()];
  const options = { backendUrl: "scripted:", drivers: [backend.driver], clock, ttl, ...more };
  return { backend, clock, coordinator: new Coordinator(options) };
}

/** How many milliseconds pass until the promise is settled; fails after `most`. */
export async function timeOf(
  promise: Promise<unknown>,
  clock: VirtualClock,
  most: number,
): Promise<number> {
  const startedAt = clock.now();
  let endedAt: number | undefined;
  const end = (): void => void (endedAt = clock.now());
  promise.then(end, end);
  await clock.advance(most);
  return (endedAt ?? Infinity) - startedAt;
}

/** A logger that puts every message into `messages`. */
export function recorder(messages: string[]): Logger {
  const write = (message: string): void => void messages.push(message);
  return { debug: write, info: write, warn: write, error: write };
}

/** Lets everything happen that waits for no time to pass. */
export function settled(): Promise<void> {
  return new Promise(setImmediate);
}

/** What stands for a promise that has not settled. */
export const pending = "pending";
export type Pending = typeof pending;

/** What a promise has come to without time passing; rejects as it does. */
export async function outcome<T>(promise: Promise<T>): Promise<T | Pending> {
  return Promise.race([promise, settled().then((): Pending => pending)]);
}

/** The error that a promise rejects with; rejects itself if that has none. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`no error but ${String(value)}`)),
    (error: unknown) => error,
  );
}

/** Whether the hold says of itself that it is held. */
export function isHeld(hold: Hold): boolean {
  try {
    hold.assertHeld();
    return true;
  } catch {
    return false;
  }
}
