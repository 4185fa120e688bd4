import { onTestFinished } from "vitest";
import { Coordinator, type CoordinatorOptions, type Hold, type Logger } from "@coord/core";
import type { Clock, Driver, Timer } from "@coord/core/driver";
import { memory, VirtualClock, type MemoryDriver } from "@coord/core/memory";
import { Link, type Operation } from "../src/memory/link.js";
import { MemoryServer } from "../src/memory/server.js";
import { MemorySession } from "../src/memory/session.js";
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
  make(options?: CoordinatorOptions): Coordinator;
  /** Makes one and starts it. */
  start(options?: CoordinatorOptions): Promise<Coordinator>;
  /** What the promise has come to when so many milliseconds have passed. */
  within<T>(ms: number, promise: Promise<T>): Promise<T | Pending>;
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

/** A server in virtual time, and coordinators on machines of their own. */
export interface Machines {
  readonly clock: VirtualClock;
  readonly server: MemoryServer;
  /** A machine and a coordinator on it that is started. */
  of(options?: CoordinatorOptions): Promise<{ machine: Machine; coordinator: Coordinator }>;
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
    if (asleepAt !== undefined) this.#slept += this.boot() - asleepAt;
    this.#stopped = undefined;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const go of backlog) go();
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

/** Whole numbers from 0 up to, not including, `below`: the same ones for the same seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // "mulberry32" by Tommy Ettinger, public domain.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
