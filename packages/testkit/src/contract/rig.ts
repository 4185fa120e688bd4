import {
  Coordinator,
  type CoordinatorOptions,
  type Lock,
  type LossReason,
  type Traits,
} from "@coord/core";
import type { Driver } from "@coord/core/driver";
import { onTestFinished } from "vitest";
import type { NetworkFaults } from "../faults/network.js";
import { LineProcess } from "../process.js";
import { Taker, type TakerOptions } from "../takers.js";
import { programPath, type Role } from "./roles.js";
import { StoppableClock } from "./stoppable-clock.js";
import { LocalVictim, type Victim } from "./victim.js";

/** What a test can do to a backend behind its clients' backs. */
export interface Faults {
  /**
   * Takes the lock of this full name from whoever holds it at the backend, as an administrator could:
   * by removing its key, file or row. A driver with anything but `break` in `traits.revocable` must
   * give it.
   */
  revoke?(url: string, name: string): Promise<void>;
  /**
   * What its holder is told then: `session` where no single hold can be taken, but only the whole
   * session ended, with all that is held through it.
   * @default "taken"
   */
  readonly revokeReason?: Extract<LossReason, "taken" | "session">;
  /** How to get between the driver and its server; needed where `traits.reach` is `network`. */
  readonly network?: NetworkFaults;
}

/** A driver and what its tests need. */
export interface Subject {
  readonly driver: Driver;
  /** What child processes import to have the driver: its package, or a file URL. */
  readonly module: string;
  /** A URL of a place where nothing is held yet; another one each time. It is called within a test. */
  url(): string;
  /**
   * Options of every coordinator of the tests, here and in other processes. Where holds end by time,
   * the tests of what dies last some ten times `crashReleaseMs`.
   * @default { ttl: 2_000, heartbeat: 300 }
   */
  readonly options?: Pick<CoordinatorOptions, "ttl" | "heartbeat" | "beatTimeout">;
  readonly faults?: Faults;
}

/** Options for a coordinator of a test. */
export type RigOptions = Omit<CoordinatorOptions, "backendUrl" | "drivers">;

/** One test's own place on the backend, and all that it started there. */
export class Rig {
  readonly subject: Subject;
  readonly url: string;
  readonly #options: RigOptions;
  #traits: Promise<Traits> | undefined;

  constructor(subject: Subject) {
    this.subject = subject;
    this.url = subject.url();
    this.#options = { ttl: 2_000, heartbeat: 300, ...subject.options };
  }

  /** A started coordinator, stopped when the test ends. */
  async start(
    options: RigOptions = {},
    driver: Driver = this.subject.driver,
  ): Promise<Coordinator> {
    const coordinator = this.make(options, driver);
    await coordinator.start();
    return coordinator;
  }

  /** A coordinator, stopped when the test ends. */
  make(options: RigOptions = {}, driver: Driver = this.subject.driver): Coordinator {
    const { url: backendUrl } = this;
    const drivers = [driver];
    const coordinator = new Coordinator({ ...this.#options, ...options, backendUrl, drivers });
    onTestFinished(async () => {
      if (options.clock instanceof StoppableClock) options.clock.goOn();
      await coordinator.stop();
    });
    return coordinator;
  }

  /** A lock of a coordinator of its own: two of them are as far apart as two programs. */
  async lock(name: string, options: RigOptions = {}): Promise<Lock> {
    return (await this.start(options)).getLock(name);
  }

  /** A process that takes locks as it is told to, killed when the test ends. */
  async taker(agentId: string = crypto.randomUUID()): Promise<Taker> {
    const options: TakerOptions["options"] = { ...this.#options, agentId };
    const { module } = this.subject;
    const taker = await Taker.start({ module, url: this.url, options });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    return taker;
  }

  /**
   * Whoever can be killed and paused: a process or, where the backend does not reach others, a
   * coordinator that hears and says nothing.
   */
  async victim(agentId: string = crypto.randomUUID()): Promise<Victim> {
    this.#traits ??= this.start().then(({ traits }) => traits);
    if ((await this.#traits).reach !== "process") return this.taker(agentId);
    const { driver } = this.subject;
    const victim = await LocalVictim.start(driver, (gated, clock) =>
      this.start({ agentId, clock }, gated),
    );
    onTestFinished(async () => victim.resume());
    return victim;
  }

  /** Starts a program of `program.ts`, which is killed when the test ends. */
  program(role: Role): LineProcess {
    const args = [role, this.url, JSON.stringify(this.#options)];
    const program = LineProcess.start(programPath, args, { imports: [this.subject.module] });
    onTestFinished(() => program[Symbol.asyncDispose]());
    return program;
  }

  /** Takes the lock away at the backend. */
  async revoke(name: string): Promise<void> {
    const { driver, faults } = this.subject;
    if (!faults?.revoke) {
      throw new Error(
        `${driver.name} says in its traits that holds can be taken away, so give testDriver({ faults: { revoke } }).`,
      );
    }
    await faults.revoke(this.url, name);
  }
}
