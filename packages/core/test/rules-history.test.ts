import { expect, onTestFinished, test, vi } from "vitest";
import { Coordinator, isCoordError, type Hold } from "@coord/core";
import { VirtualClock } from "@coord/core/memory";
import { randomOf } from "@coord/testkit/history";
import type { Operation } from "../src/memory/link.js";
import { MemoryServer } from "../src/memory/server.js";
import { Machine } from "./machines.js";
import { isHeld, outcome, pending } from "./world.js";

const short = process.env["COORD_TEST_SHORT"] !== undefined;
const given = process.env["COORD_TEST_SEED"];
const seeds = given ? [Number(given)] : range(short ? 15 : 40, Date.now() % 1e9);

test("R1 of holds that exclude each other one at most passes assertHeld() at any instant, whatever is cut, stopped, asleep, late or unanswered", async () => {
  expect(await holdsOfAll((seed) => new History(seed, false))).toBeGreaterThan(seeds.length);
});

test("R8 nothing is left over, and whoever asks has the lock, when much was revoked and broken besides", async () => {
  expect(await holdsOfAll((seed) => new History(seed, true))).toBeGreaterThan(seeds.length);
});

/** Runs a history for each seed; gives how many holds there were: without any it would show nothing. */
async function holdsOfAll(make: (seed: number) => History): Promise<number> {
  onTestFinished(() => void vi.restoreAllMocks());
  let holds = 0;
  for (const seed of seeds) {
    const history = make(seed);
    try {
      await history.run();
      holds += history.holds;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`COORD_TEST_SEED=${seed}: ${message}`, { cause });
    }
  }
  return holds;
}

/** What a machine's program has, or had. */
interface Held {
  readonly machine: Machine;
  readonly hold: Hold;
  /** Whether it was told that it is lost. */
  readonly signal: AbortSignal;
}

/** Four machines that take two locks in turns while everything goes wrong. */
class History {
  readonly #random: (below: number) => number;
  readonly #clock = new VirtualClock();
  readonly #server = new MemoryServer(this.#clock);
  readonly #machines: Machine[] = [];
  readonly #ended = new AbortController();
  readonly #held = new Set<Held>();
  readonly #tokens = new Map<string, bigint>();
  readonly #coordinators: Coordinator[] = [];
  readonly #revoking: boolean;

  /** In one that is `revoking` holds are taken away, too: then only the tokens are in order. */
  constructor(seed: number, revoking: boolean) {
    this.#revoking = revoking;
    this.#random = randomOf(seed);
    // The delays before connecting again.
    vi.spyOn(Math, "random").mockImplementation(() => this.#random(1_000) / 1_000);
  }

  /** How many there were. */
  holds = 0;

  async run(): Promise<void> {
    const ttl = this.#oneOf([1_000, 3_000, 10_000]);
    const coordinators = range(4).map((index) => {
      const machine = new Machine(this.#clock, this.#server, 1 + (this.#random(21) - 10) / 1_000);
      this.#machines.push(machine);
      return new Coordinator({
        backendUrl: "memory:",
        drivers: [machine.driver],
        agentId: `machine ${index}`,
        clock: machine,
        ttl: ttl * (1 + (index % 3)),
        heartbeat: ttl / 5,
        maxReconnectBackoff: 2_000,
      });
    });
    this.#coordinators.push(...coordinators);
    await Promise.all(coordinators.map((coordinator) => coordinator.start()));
    const programs = coordinators.flatMap((coordinator, index) => {
      return range(3).map(() => this.#program(coordinator, this.#machine(index)));
    });
    const over = Promise.all(programs);
    over.catch(() => {});
    for (const _ of range(60)) {
      await this.#clock.advance(this.#random(ttl / 5));
      this.#check();
      this.#somethingGoesWrong(ttl);
    }
    for (const { link } of this.#machines) link.down = false;
    this.#ended.abort();
    await this.#clock.advance(20_000 + 5 * ttl);
    if ((await outcome(over)) === pending) throw new Error("a wait hangs");
    await this.#expectNothingLeft(coordinators, ttl);
  }

  /** A program that takes a lock, works for a while and gives it back, again and again. */
  async #program(coordinator: Coordinator, machine: Machine): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await new Promise<void>((resolve) => machine.timer(1 + this.#random(500), resolve));
      const lock = coordinator.getLock(this.#oneOf(["a", "b"]));
      const shared = this.#random(3) === 0;
      const ask = this.#random(4) === 0 ? "tryAcquire" : "acquire";
      const timeout = this.#random(2) === 0 ? undefined : this.#random(5_000);
      try {
        const hold = await lock[ask]({ shared, timeout, signal });
        if (hold) await this.#work(hold, machine);
      } catch (error) {
        if (error !== signal.reason && !isCoordError(error)) throw error;
      }
    }
  }

  async #work(hold: Hold, machine: Machine): Promise<void> {
    const held = { machine, hold, signal: hold.signal };
    this.#held.add(held);
    this.holds += 1;
    this.#check();
    // Of what was taken away before, the answer may come late.
    if (!this.#revoking) this.#expectGreaterToken(hold);
    await new Promise<void>((resolve) => machine.timer(1 + this.#random(4_000), resolve));
    this.#check();
    this.#held.delete(held);
    await hold[Symbol.asyncDispose]();
  }

  #check(): void {
    if (this.#revoking) return;
    for (const { machine, hold, signal } of this.#held) {
      if (machine.running && !machine.slept && !signal.aborted) this.#expectGrantedToNoOther(hold);
    }
    // A machine that is stopped asks nothing.
    const held = [...this.#held].filter(({ machine, hold }) => machine.running && isHeld(hold));
    for (const name of ["a", "b"]) {
      const holds = held.map(({ hold }) => hold).filter((hold) => hold.name === name);
      const exclusive = holds.filter(({ shared }) => !shared);
      if (exclusive.length > 0 && holds.length > 1) {
        throw new Error(`at ${this.#clock.now()} ${holds.length} pass assertHeld() for ${name}`);
      }
    }
  }

  /** Who was not told yet has it at the server: the signal comes before the next grant (R2). */
  #expectGrantedToNoOther({ name, token, shared }: Hold): void {
    const others = this.#server.inspect(name).holders.filter((holder) => holder.token !== token);
    if (others.some((other) => !(shared && other.shared))) {
      throw new Error(
        `at ${this.#clock.now()} ${name} is granted again, and ${token} was not told`,
      );
    }
  }

  #expectGreaterToken({ name, token, shared }: Hold): void {
    const before = this.#tokens.get(name) ?? 0n;
    if (!shared && token <= before) throw new Error(`token ${token} of ${name} after ${before}`);
    if (token > before) this.#tokens.set(name, token);
  }

  #somethingGoesWrong(ttl: number): void {
    const machine = this.#machine(this.#random(4));
    const { link } = machine;
    const operations: Operation[] = ["beat", "beat", "acquire", "release", "inspect", "open"];
    const actions = [
      () => void (link.down = true),
      () => void (link.down = false),
      () => void (link.down = false),
      () => machine.stop(this.#random(2 * ttl), false),
      () => machine.stop(this.#random(2 * ttl), true),
      () => machine.step(this.#random(7_200_000) - 3_600_000),
      () => link.plan(this.#oneOf(operations), 1 + this.#random(3), undefined),
      () => link.plan(this.#oneOf(operations), 1 + this.#random(3), this.#random(ttl)),
    ];
    const name = this.#oneOf(["a", "b"]);
    const force = this.#random(2) === 0;
    const breaking = this.#oneOf(this.#coordinators).getLock(name);
    const revocations = [
      () => this.#server.revoke(name),
      () => this.#server.end(machine.session, "session"),
      () => void breaking.break({ force }).catch(() => {}),
    ];
    this.#oneOf(this.#revoking ? [...actions, ...revocations] : actions)();
  }

  /** Whoever asks gets the lock: no entry, in a process or at the server, was left by the troubles. */
  async #expectNothingLeft(coordinators: readonly Coordinator[], ttl: number): Promise<void> {
    for (const coordinator of coordinators) {
      for (const name of ["a", "b"]) {
        const taken = coordinator.getLock(name).acquire({ timeout: ttl });
        const released = taken.then((hold) => hold[Symbol.asyncDispose]());
        released.catch(() => {});
        await this.#clock.advance(10_000 + ttl);
        if ((await outcome(released)) === pending) throw new Error(`${name} is not to be had`);
      }
    }
    expect(["a", "b"].map((name) => this.#server.inspect(name))).toEqual([
      { holders: [], waiters: [] },
      { holders: [], waiters: [] },
    ]);
    const stopped = Promise.all(coordinators.map((coordinator) => coordinator.stop()));
    await this.#clock.advance(10_000);
    expect(await outcome(stopped)).not.toBe(pending);
  }

  #machine(index: number): Machine {
    const machine = this.#machines[index];
    if (!machine) throw new Error(`no machine ${index}`);
    return machine;
  }

  #oneOf<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[this.#random(choices.length)] as T;
  }
}

function range(length: number, first = 0): number[] {
  return Array.from({ length }, (_, index) => first + index);
}
