import { isCoordError, type Coordinator, type Hold, type LossReason } from "@coord/core";
import type { StoppableClock } from "../contract/stoppable-clock.js";
import { endsByTime } from "../contract/victim.js";
import type { Gate } from "../contract/gate.js";
import type { Taken, Taker } from "../takers.js";

/** Somebody who takes locks: a process or a coordinator in this one. It has one hold of each name. */
export type Party = Pick<
  Taker,
  "acquire" | "tryAcquire" | "assertHeld" | "follow" | "lost" | "release" | "count" | "stop"
>;

/** One that can be paused and killed. */
export interface Mortal extends Party {
  pause(): Promise<void>;
  resume(): void;
  kill(): Promise<unknown>;
}

interface Loss {
  readonly at: bigint;
  readonly reason: LossReason | undefined;
}

/** A coordinator in this process, to be spoken to as a taker. */
export class LocalParty implements Party {
  readonly coordinator: Coordinator;
  readonly #holds = new Map<string, Hold>();
  readonly #losses = new Map<string, Promise<Loss>>();

  constructor(coordinator: Coordinator) {
    this.coordinator = coordinator;
  }

  async acquire(
    name: string,
    options: { timeout?: number; shared?: boolean } = {},
  ): Promise<Taken> {
    return this.#keep(await this.coordinator.getLock(name).acquire(options));
  }

  async tryAcquire(
    name: string,
    options: { timeout?: number; shared?: boolean } = {},
  ): Promise<Taken | undefined> {
    const hold = await this.coordinator.getLock(name).tryAcquire(options);
    return hold && this.#keep(hold);
  }

  async assertHeld(name: string, options: { atLeast?: number } = {}): Promise<Taken> {
    const { token } = this.hold(name);
    return { token, at: this.hold(name).assertHeld(options) };
  }

  async follow(name: string): Promise<Taken> {
    const hold = this.hold(name);
    for (let at = hold.assertHeld(); ;) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      try {
        at = hold.assertHeld();
      } catch {
        return { token: hold.token, at };
      }
    }
  }

  async lost(name: string): Promise<Loss> {
    const loss = this.#losses.get(name);
    if (!loss) throw new Error(`${name} was never held here.`);
    return loss;
  }

  async release(name: string): Promise<bigint> {
    const at = process.hrtime.bigint();
    await this.hold(name).release();
    return at;
  }

  async count(name: string, { file, turns }: { file: string; turns: number }): Promise<void> {
    const { readFile, writeFile } = await import("node:fs/promises");
    for (let turn = 0; turn < turns; turn++) {
      await this.coordinator.getLock(name).run(async (hold) => {
        const count = Number(await readFile(file, "utf8").catch(() => "0"));
        hold.assertHeld();
        await writeFile(file, String(count + 1));
      });
    }
  }

  stop(): Promise<void> {
    return this.coordinator.stop();
  }

  /** The last hold of the name. */
  hold(name: string): Hold {
    const hold = this.#holds.get(name);
    if (!hold) throw new Error(`${name} was never held here.`);
    return hold;
  }

  #keep(hold: Hold): Taken {
    this.#holds.set(hold.name, hold);
    const { signal } = hold;
    const loss = new Promise<Loss>((resolve) => {
      const told = (): void => {
        const reason = isCoordError(signal.reason) ? signal.reason.reason : undefined;
        resolve({ at: process.hrtime.bigint(), reason });
      };
      if (signal.aborted) told();
      else signal.addEventListener("abort", told, { once: true });
    });
    this.#losses.set(hold.name, loss);
    return { token: hold.token, at: hold.assertHeld() };
  }
}

/**
 * One for backends that reach no other process: when it is paused its clock stops, and nothing passes
 * between it and its driver. Where that is no death, nobody can die alone, and it stops as it should.
 */
export class LocalMortal extends LocalParty implements Mortal {
  readonly #clock: StoppableClock;
  readonly #gate: Gate;

  constructor(coordinator: Coordinator, clock: StoppableClock, gate: Gate) {
    super(coordinator);
    this.#clock = clock;
    this.#gate = gate;
  }

  async pause(): Promise<void> {
    this.#clock.stop();
    this.#gate.shut();
  }

  resume(): void {
    this.#clock.goOn();
    this.#gate.open();
  }

  kill(): Promise<unknown> {
    return endsByTime(this.coordinator.traits) ? this.pause() : this.stop();
  }
}
