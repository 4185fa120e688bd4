import { onTestFinished } from "vitest";
import { Coordinator, type CoordinatorOptions } from "@coord/core";
import type { Clock, Driver, Timer } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { Link, type Operation } from "../src/memory/link.js";
import { MemoryServer } from "../src/memory/server.js";
import { MemorySession } from "../src/memory/session.js";
import { Scripted } from "./scripted.js";
import { ttl } from "./world.js";

/** A server in virtual time, and coordinators on machines of their own. */
export interface Machines {
  readonly clock: VirtualClock;
  readonly server: MemoryServer;
  /** A machine and a coordinator on it that is started. */
  readonly of: (
    options?: CoordinatorOptions,
  ) => Promise<{ machine: Machine; coordinator: Coordinator }>;
}

export function machines(): Machines {
  const clock = new VirtualClock();
  const server = new MemoryServer(clock);
  return {
    clock,
    server,
    of: async (options = {}) => {
      const machine = new Machine(clock, server);
      const coordinator = new Coordinator({
        backendUrl: "memory:",
        drivers: [machine.driver],
        clock: machine,
        ttl,
        ...options,
      });
      await coordinator.start();
      onTestFinished(async () => {
        await Promise.all([coordinator.stop(), clock.advance(20_000)]);
      });
      return { machine, coordinator };
    },
  };
}

/**
 * A computer on the network of a server: a clock of its own, as fast as `rate` says, that may stop,
 * and a way to the server of its own, that may be cut.
 */
export class Machine implements Clock {
  readonly link: Link = new Wire(this);
  readonly driver: Driver;
  /** The id of its newest session. */
  session = "";
  readonly #world: VirtualClock;
  readonly #rate: number;
  #stepped = 0;
  #slept = 0;
  #wokeAt = -Infinity;
  #resumedAt = -Infinity;
  #stopped: { readonly asleepAt: number | undefined } | undefined;
  #backlog: (() => void)[] = [];

  constructor(clock: VirtualClock, server: MemoryServer, rate = 1) {
    this.#world = clock;
    this.#rate = rate;
    this.driver = {
      name: "memory",
      schemes: ["memory"],
      options: {},
      open: async (_url, context) => {
        const { traits } = new Scripted();
        const session = await MemorySession.open(server, this.link, traits, context);
        this.session = session.id;
        return session;
      },
    };
  }

  get running(): boolean {
    return this.#stopped === undefined;
  }

  now(): number {
    return (this.#stopped?.asleepAt ?? this.boot()) - this.#slept;
  }

  hrtime(): bigint {
    return BigInt(Math.round(this.now() * 1e6));
  }

  wall(): number {
    return Date.UTC(2030) + this.boot() + this.#stepped;
  }

  boot(): number {
    return this.#world.now() * this.#rate;
  }

  timer(ms: number, callback: () => void): Timer {
    const at = this.now() + ms;
    let cancelled = false;
    let timer: Timer;
    const fire = (): void => {
      if (cancelled) return;
      if (!this.running) this.#backlog.push(fire);
      else if (this.now() < at) wait();
      else callback();
    };
    const wait = (): void => {
      // No less: added to the time it must make a difference.
      timer = this.#world.timer(Math.max(1e-3, (at - this.now()) / this.#rate), fire);
    };
    wait();
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  keepAlive(): () => void {
    return () => {};
  }

  /**
   * Whether its timers are late: it has slept within the last second, or has only just been resumed
   * and its event loop has had no turn yet.
   */
  get slept(): boolean {
    return this.boot() - this.#wokeAt < 1_000 || this.#world.now() === this.#resumedAt;
  }

  /** Somebody sets its wall clock. */
  step(ms: number): void {
    this.#stepped += ms;
  }

  /** Stops for so long, as by SIGSTOP; asleep its monotonic clock and its timers stand still too. */
  stop(ms: number, asleep: boolean): void {
    if (!this.running) return;
    this.#stopped = { asleepAt: asleep ? this.boot() : undefined };
    this.#world.timer(ms, () => this.#wake());
  }

  /** Resolves when it runs: what arrives before waits in a buffer. */
  async awake(): Promise<void> {
    if (this.running) return;
    await new Promise<void>((resolve) => this.#backlog.push(resolve));
  }

  #wake(): void {
    const { asleepAt } = this.#stopped ?? {};
    if (asleepAt !== undefined) {
      this.#slept += this.boot() - asleepAt;
      this.#wokeAt = this.boot();
    }
    this.#stopped = undefined;
    this.#resumedAt = this.#world.now();
    const backlog = this.#backlog;
    this.#backlog = [];
    // One after another, with what waits for promises in between, as an event loop has it.
    for (const go of backlog) this.#world.timer(0, go);
  }
}

/** A machine's way to the server. */
class Wire extends Link {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    super(machine);
    this.#machine = machine;
  }

  override async call<T>(
    operation: Operation,
    within: number,
    request: () => T | Promise<T>,
  ): Promise<T> {
    try {
      return await super.call(operation, within, request);
    } finally {
      await this.#machine.awake();
    }
  }

  override push(deliver: () => void): void {
    super.push(() => void this.#machine.awake().then(deliver));
  }
}
