import { onTestFinished } from "vitest";
import {
  Coordinator,
  isCoordError,
  type CoordinatorOptions,
  type CoordinatorState,
  type Hold,
  type Lock,
  type LossReason,
} from "@coord/core";
import { Backend } from "./backend.js";
import { toy } from "./driver.js";

/** How long the server keeps what is held for a client it does not hear, in milliseconds. */
export const ttl = 2_000;
/** By how much earlier than that users are told. */
export const margin = 250;
/** How often the driver beats. */
export const beat = ttl / 4;
/** How long a machine that is busy with other things may take over nothing. */
export const slack = 1_000;

/** A server of one test, a space on it, and those who use it. */
export class Place {
  backend: Backend;
  readonly url: string;
  readonly #coordinators: Coordinator[] = [];

  static async make(): Promise<Place> {
    const place = new Place(await Backend.start());
    onTestFinished(() => place.#clear());
    return place;
  }

  private constructor(backend: Backend) {
    this.backend = backend;
    this.url = backend.url();
  }

  async start(options: CoordinatorOptions = {}): Promise<Coordinator> {
    const coordinator = new Coordinator({
      backendUrl: this.url,
      drivers: [toy],
      ttl,
      initialReconnectBackoff: 50,
      maxReconnectBackoff: 200,
      ...options,
    });
    this.#coordinators.push(coordinator);
    await coordinator.start();
    return coordinator;
  }

  /** The lock "x" of a coordinator of its own. */
  async lock(options?: CoordinatorOptions): Promise<Lock> {
    return (await this.start(options)).getLock("x");
  }

  /** Has another server, without the data of the first, where that was. */
  async restart(): Promise<void> {
    await this.backend.process.kill();
    this.backend = await Backend.start(this.backend.port);
  }

  async #clear(): Promise<void> {
    this.backend.process.resume();
    await Promise.all(this.#coordinators.map((coordinator) => coordinator.stop()));
    await this.backend[Symbol.asyncDispose]();
  }
}

/** The states of a coordinator, in order, as far as they were waited for. */
export class Watch {
  readonly seen: CoordinatorState[] = [];
  readonly #states: AsyncIterator<CoordinatorState>;

  constructor(coordinator: Coordinator) {
    this.#states = coordinator.states()[Symbol.asyncIterator]();
  }

  /** Waits until it is in this state, from the last one that was waited for on. */
  async until(state: CoordinatorState): Promise<void> {
    while (this.seen.at(-1) !== state) {
      const { value, done } = await this.#states.next();
      if (done) throw new Error(`it was stopped, not ${state}`);
      this.seen.push(value);
    }
  }
}

/** When, by `process.hrtime`, in milliseconds, and why a hold is lost. */
export function told(hold: Hold): Promise<{ at: number; reason: LossReason | undefined }> {
  const { signal } = hold;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      const reason = isCoordError(signal.reason) ? signal.reason.reason : undefined;
      resolve({ at: now(), reason });
    });
  });
}

/** An instant of `process.hrtime`, in milliseconds. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
