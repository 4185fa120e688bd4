import type { Coordinator, Hold, Traits } from "@coord/core";
import type { Driver, Session } from "@coord/core/driver";
import { Gate } from "./gate.js";
import { StoppableClock } from "./stoppable-clock.js";

/** Whoever is to die or to stand still; a `Taker` is one. It has one hold of each name. */
export interface Victim {
  acquire(name: string, options?: { shared?: boolean }): Promise<{ readonly token: bigint }>;
  /** Rejects COORD_LOST when it no longer has the lock. */
  assertHeld(name: string): Promise<unknown>;
  release(name: string): Promise<unknown>;
  /** It does nothing and hears of nothing until `resume()`. */
  pause(): Promise<void>;
  resume(): void;
  /** It ends in the middle of everything and gives back nothing. */
  kill(): Promise<unknown>;
}

/** Whether what the dead held is theirs until its time has run out. */
export function endsByTime({ liveness }: Pick<Traits, "liveness">): boolean {
  return liveness === "lease" || liveness === "session";
}

/**
 * One in this process, for backends that do not reach others: its clock stops, and nothing passes
 * between it and its driver. Where that is no death, nobody can die alone, and it stops as it should.
 */
export class LocalVictim implements Victim {
  readonly #coordinator: Coordinator;
  readonly #clock: StoppableClock;
  readonly #gate: Gate;
  readonly #holds = new Map<string, Hold>();

  static async start(
    driver: Driver,
    connect: (driver: Driver, clock: StoppableClock) => Promise<Coordinator>,
  ): Promise<LocalVictim> {
    const [clock, gate] = [new StoppableClock(), new Gate()];
    return new LocalVictim(await connect(gated(driver, gate), clock), clock, gate);
  }

  private constructor(coordinator: Coordinator, clock: StoppableClock, gate: Gate) {
    this.#coordinator = coordinator;
    this.#clock = clock;
    this.#gate = gate;
  }

  async acquire(name: string, options: { shared?: boolean } = {}): Promise<Hold> {
    const hold = await this.#coordinator.getLock(name).acquire(options);
    this.#holds.set(name, hold);
    return hold;
  }

  async assertHeld(name: string): Promise<unknown> {
    return this.#holds.get(name)?.assertHeld();
  }

  async release(name: string): Promise<unknown> {
    return this.#holds.get(name)?.release();
  }

  async pause(): Promise<void> {
    this.#clock.stop();
    this.#gate.shut();
  }

  resume(): void {
    this.#clock.goOn();
    this.#gate.open();
  }

  async kill(): Promise<unknown> {
    return endsByTime(this.#coordinator.traits) ? this.pause() : this.#coordinator.stop();
  }
}

/** The driver, with all that its sessions are asked and all that they say kept back while the gate is shut. */
export function gated(driver: Driver, gate: Gate): Driver {
  const through = async <T>(said: Promise<T>): Promise<T> => {
    const value = await said;
    await gate.pass();
    return value;
  };
  const wrap = <T extends object>(object: T): T =>
    new Proxy(object, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (value instanceof Promise) return through(value);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          await gate.pass();
          const answer: unknown = await through(Reflect.apply(value, target, given));
          return isGrant(answer) ? wrap(answer) : answer;
        };
      },
    });
  return {
    ...driver,
    open: async (...given) => wrap<Session>(await through(driver.open(...given))),
  };
}

function isGrant(answer: unknown): answer is object {
  return typeof answer === "object" && answer !== null && "lost" in answer;
}
