import { Coordinator } from "@coord/core";
import type { Session, SessionContext } from "@coord/core/driver";
import { memory, VirtualClock, type MemoryDriver } from "@coord/core/memory";
import { Client, type Habits } from "../client.js";
import type { FaultLine, Line } from "../events.js";
import { oneOf, randomOf, type Random } from "../random.js";
import { Scribe } from "../scribe.js";
import { Machine } from "./machine.js";
import { trouble, type World } from "./troubles.js";

/** What a history in virtual time is of. */
export interface VirtualOptions {
  /** Whether holds are taken away at the backend, too. @default whether the seed is odd */
  readonly revoking?: boolean;
  /** Breaks the driver's sessions in some way, to see that the history shows it. */
  readonly breaks?: (session: Session, backend: MemoryDriver, context: SessionContext) => Session;
}

/**
 * Plays a history of the memory backend: machines in virtual time that take locks in turns while all
 * its faults happen to them. The lines are the same for the same seed, to the last bit. It takes no
 * time but that of computing. One after another: while it is played, `Math.random` gives what the
 * seed says.
 */
export async function virtualHistory(seed: number, options: VirtualOptions = {}): Promise<Line[]> {
  await warmUp();
  const { random } = Math;
  const drawn = randomOf(seed);
  // Core draws delays from it.
  Math.random = () => drawn(2 ** 31) / 2 ** 31;
  try {
    return await new VirtualHistory(seed, options).play();
  } finally {
    Math.random = random;
  }
}

/** What core loads on demand takes time of this world, which must not be in the first history only. */
async function warmUp(): Promise<void> {
  const coordinator = new Coordinator({ backendUrl: "memory:", drivers: [memory()] });
  await coordinator.start();
  await coordinator.stop();
}

const machinesCount = 4;
const stepsCount = 60;

/** A machine and what runs on it. */
class Inhabitant {
  readonly machine: Machine;
  readonly coordinator: Coordinator;
  readonly scribe: Scribe;
  readonly clients: Client[] = [];
  /** Whether all that its clients had to do is done. */
  done = false;

  constructor(machine: Machine, coordinator: Coordinator, scribe: Scribe) {
    this.machine = machine;
    this.coordinator = coordinator;
    this.scribe = scribe;
  }

  /** Connects, however often that takes, and lets the clients do their work. */
  async live(work: (client: Client) => Promise<void>): Promise<void> {
    void this.#noteStates();
    while (!this.coordinator.started) {
      await this.coordinator.start().catch(() => {});
      await new Promise<void>((resolve) => void this.machine.timer(100, resolve));
    }
    await Promise.all(this.clients.map(work));
    this.done = true;
  }

  /** Shows that the process runs, as long as there is something to be told. */
  showAlive(everyMs: number): void {
    this.machine.timer(everyMs, () => {
      const since = this.machine.hrtime();
      // Behind all that was due.
      this.machine.timer(0, () => {
        if (this.scribe.holds) this.scribe.alive(since);
        if (!this.done) this.showAlive(everyMs);
      });
    });
  }

  async #noteStates(): Promise<void> {
    for await (const state of this.coordinator.states()) this.scribe.state(state);
  }
}

class VirtualHistory implements World {
  readonly clock = new VirtualClock();
  readonly backend: MemoryDriver = memory({ clock: this.clock });
  readonly random: Random;
  readonly names = ["a", "b", "c"];
  readonly ttl: number;
  readonly #habits: Habits;
  readonly #revoking: boolean;
  readonly #breaks: NonNullable<VirtualOptions["breaks"]>;
  readonly #lines: Line[] = [];
  readonly #schedule: string[] = [];
  readonly #ending = new AbortController();
  #living: readonly Inhabitant[] = [];
  #pids = 0;

  constructor(seed: number, { revoking, breaks }: VirtualOptions) {
    this.random = randomOf(seed);
    const ttl = oneOf(this.random, [1_000, 2_000, 5_000]);
    this.ttl = ttl;
    this.#revoking = revoking ?? seed % 2 === 1;
    this.#breaks = breaks ?? ((session) => session);
    this.#habits = {
      names: this.names,
      clients: 3,
      restMs: ttl / 4,
      workMs: ttl / 4,
      longMs: 3 * ttl,
      lookMs: ttl / 20,
      patientMs: ttl,
    };
    const limits = { patienceMs: 100, recoverMs: 3 * ttl + 2_000, waitMs: 20 * ttl };
    this.#write({
      ...this.#written("begin"),
      backend: "memory",
      seed,
      fair: true,
      limits,
      schedule: this.#schedule,
    });
  }

  async play(): Promise<Line[]> {
    for (let count = 0; count < machinesCount; count++) this.#start();
    for (let step = 0; step < stepsCount; step++) {
      await this.clock.advance(this.random(this.ttl / 5));
      trouble(this, this.#revoking);
    }
    // All faults that last are over by then.
    await this.clock.advance(3 * this.ttl);
    this.#ending.abort();
    await this.#until(() => this.#living.every(({ done }) => done));
    await this.#takeAll();
    await this.#stopAll();
    this.#write(this.#written("end"));
    return this.#lines;
  }

  machines(): readonly Inhabitant[] {
    return this.#living;
  }

  replace(machine: Machine): void {
    this.#living = this.#living.filter((one) => one.machine !== machine);
    this.#start();
  }

  fault(line: Omit<FaultLine, "t" | "event">): void {
    this.#write({ ...this.#written("fault"), ...line });
  }

  planned(what: string): void {
    this.#schedule.push(`at ${this.clock.now().toFixed(0)} ms: ${what}`);
  }

  #start(work: (client: Client) => Promise<void> = (client) => client.play()): Inhabitant {
    const pid = (this.#pids += 1);
    const machine = new Machine(pid, this.clock, this.random);
    const driver = machine.driver(this.backend, (session, context) =>
      this.#breaks(session, this.backend, context),
    );
    const coordinator = new Coordinator({
      backendUrl: "memory:",
      drivers: [driver],
      agentId: `machine ${pid}`,
      clock: machine,
      ttl: this.ttl * (1 + (pid % 2)),
      heartbeat: this.ttl / 5,
      // Both the same: there is nothing to be drawn at random, which no seed would give again.
      initialReconnectBackoff: 100 + 37 * (pid % 7),
      maxReconnectBackoff: 100 + 37 * (pid % 7),
    });
    const scribe = new Scribe(pid, machine, (line) => this.#write(line));
    const inhabitant = new Inhabitant(machine, coordinator, scribe);
    const home = { coordinator, clock: machine, scribe, ending: this.#ending.signal };
    for (let count = 0; count < this.#habits.clients; count++) {
      const random = randomOf(this.random(2 ** 31));
      inhabitant.clients.push(new Client(home, this.#habits, random));
    }
    this.#living = [...this.#living, inhabitant];
    inhabitant.showAlive(this.ttl / 20);
    void inhabitant.live(work);
    return inhabitant;
  }

  /** Whoever comes new gets every lock: nothing of those before is in the way. */
  async #takeAll(): Promise<void> {
    const last = this.#start(async (client) => {
      if (client !== last.clients[0]) return;
      for (const name of this.names) await client.take(name);
    });
    await this.#until(() => last.done);
    const counts: Record<string, number> = {};
    await this.#await(
      Promise.all(
        this.names.map(async (name) => {
          const { holders, waiters } = await last.coordinator.getLock(name).inspect();
          counts[`holders of ${name}`] = holders.length;
          counts[`in line for ${name}`] = waiters.length;
        }),
      ),
    );
    this.#write({ ...this.#written("left"), counts });
  }

  async #stopAll(): Promise<void> {
    await this.#await(Promise.all(this.#living.map(({ coordinator }) => coordinator.stop())));
    // What the dead had is given up.
    await this.clock.advance(6 * this.ttl + 10_000);
    for (const { scribe, clients } of this.#living) {
      scribe.left({ listeners: clients.reduce((sum, { listeners }) => sum + listeners, 0) });
    }
    this.#write({ ...this.#written("left"), counts: { timers: this.clock.pending } });
  }

  /** Lets time pass until it is so, or until whoever waits has waited for too long. */
  async #until(isSo: () => boolean): Promise<void> {
    for (let passed = 0; passed < 30 && !isSo(); passed++) await this.clock.advance(this.ttl);
  }

  async #await(promise: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = async (): Promise<void> => {
      await Promise.allSettled([promise]);
      isOver = true;
    };
    void over();
    await this.#until(() => isOver);
  }

  #written<Event extends Line["event"]>(event: Event): { t: string; pid: 0; event: Event } {
    return { t: String(this.clock.hrtime()), pid: 0, event };
  }

  #write(line: Line): void {
    this.#lines.push(line);
  }
}
