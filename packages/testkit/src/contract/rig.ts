import { connect, type Coordinator, type CoordinatorOptions, type Lock } from "@coord/core";
import type { Driver } from "@coord/core/driver";
import { onTestFinished } from "vitest";
import { Taker, type TakerOptions } from "../takers.js";

/** What a test can do to a backend behind its clients' backs. */
export interface Faults {
  /**
   * Takes the lock of this full name from whoever holds it at the backend, as an administrator could:
   * by removing its key, file or row. A driver with anything in `traits.revocable` must give it.
   */
  revoke?(url: string, name: string): Promise<void>;
}

/** A driver and what its tests need. */
export interface Subject {
  readonly driver: Driver;
  /** What child processes import to have the driver: its package, or a file URL. */
  readonly module: string;
  /** A URL of a place where nothing is held yet; another one each time. */
  url(): string;
  readonly faults?: Faults;
}

/** Options for a coordinator of a test. */
export type RigOptions = Omit<CoordinatorOptions, "backendUrl" | "drivers">;

/** One test's own place on the backend, and all that it started there. */
export class Rig {
  readonly subject: Subject;
  readonly url: string;

  constructor(subject: Subject) {
    this.subject = subject;
    this.url = subject.url();
  }

  /** A started coordinator, stopped when the test ends. */
  async start(
    options: RigOptions = {},
    driver: Driver = this.subject.driver,
  ): Promise<Coordinator> {
    const coordinator = await connect(this.url, { ...options, drivers: [driver] });
    onTestFinished(() => coordinator.stop());
    return coordinator;
  }

  /** A lock of a coordinator of its own: two of them are as far apart as two programs. */
  async lock(name: string, options: RigOptions = {}): Promise<Lock> {
    return (await this.start(options)).getLock(name);
  }

  /** A process that takes locks as it is told to, killed when the test ends. */
  async taker(options: Pick<TakerOptions, "options" | "env"> = {}): Promise<Taker> {
    const taker = await Taker.start({ module: this.subject.module, url: this.url, ...options });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    return taker;
  }

  /** Takes the lock away at the backend. */
  async revoke(name: string): Promise<void> {
    const { faults } = this.subject;
    if (!faults?.revoke) {
      throw new Error(
        `${this.subject.driver.name} says in its traits that holds can be taken away, so give testDriver({ faults: { revoke } }).`,
      );
    }
    await faults.revoke(this.url, name);
  }
}
