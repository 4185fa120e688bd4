import { Coordinator, type CoordinatorOptions, type Traits } from "@coord/core";
import { onTestFinished } from "vitest";
import { Gate } from "../contract/gate.js";
import type { Subject } from "../contract/rig.js";
import { StoppableClock } from "../contract/stoppable-clock.js";
import { endsByTime, gated } from "../contract/victim.js";
import { Taker, type TakerOptions } from "../takers.js";
import { lineOf, lineThrough, type Line } from "./line.js";
import type { NetworkFaults } from "./network.js";
import { LocalMortal, LocalParty, type Mortal } from "./party.js";

type Options = Omit<CoordinatorOptions, "backendUrl" | "drivers">;

/** A coordinator and its way to the backend. */
export interface Lined {
  readonly party: LocalParty;
  readonly line: Line;
  /** Another coordinator, by the same way. */
  readonly another: () => Promise<LocalParty>;
}

/** One test's own place on the backend, those who use it, and the ways by which they do. */
export class Site {
  readonly subject: Subject;
  readonly url: string;
  readonly traits: Traits;
  readonly ttl: number;
  /** How often at least the backend is told that a client is alive. */
  readonly beat: number;
  readonly #options: TakerOptions["options"] & object;

  static async make(subject: Subject): Promise<Site> {
    const url = subject.url();
    const probe = new Coordinator({
      ...subject.options,
      backendUrl: url,
      drivers: [subject.driver],
    });
    await probe.start();
    const { traits } = probe;
    await probe.stop();
    return new Site(subject, url, traits);
  }

  private constructor(subject: Subject, url: string, traits: Traits) {
    this.subject = subject;
    this.url = url;
    this.traits = traits;
    this.ttl = subject.options?.ttl ?? 2_000;
    this.beat = subject.options?.heartbeat ?? 300;
    this.#options = {
      ttl: this.ttl,
      heartbeat: this.beat,
      initialReconnectBackoff: 50,
      maxReconnectBackoff: 300,
      ...subject.options,
    };
  }

  /** Whether what is held is a matter of time. */
  get byTime(): boolean {
    return endsByTime(this.traits);
  }

  /** Whether other processes see the same locks. */
  get apart(): boolean {
    return this.traits.reach !== "process";
  }

  /** By how many milliseconds a holder is told before its lease ends. */
  get margin(): number {
    return Math.min(this.ttl / 5, Math.max(250, this.ttl / 20));
  }

  /** What the subject has to give where the backend is reached over a network; undefined elsewhere. */
  get network(): NetworkFaults | undefined {
    const { driver, faults } = this.subject;
    if (this.traits.reach !== "network") return undefined;
    if (faults?.network) return faults.network;
    throw new Error(
      `${driver.name} says in its traits that it reaches over a network, so give testDriver({ faults: { network } }).`,
    );
  }

  /** A coordinator in this process, stopped when the test ends. */
  async local(options: Options = {}, url = this.url): Promise<LocalParty> {
    return new LocalParty(await this.#start(url, options));
  }

  /** A coordinator in this process, with a line of its own; undefined where there is none to break. */
  async lined(options: Options = {}): Promise<Lined | undefined> {
    const way = await this.way();
    if (way) {
      const another = (): Promise<LocalParty> => this.local(options, way.url);
      return { party: await another(), line: way.line, another };
    }
    if (this.apart) return undefined;
    const gate = new Gate();
    const driver = gated(this.subject.driver, gate);
    const another = async (): Promise<LocalParty> =>
      new LocalParty(await this.#start(this.url, options, driver));
    const party = await another();
    onTestFinished(() => gate.open());
    return { party, line: lineThrough(gate), another };
  }

  /** A way of its own to the place, over a network; undefined where there is none. */
  async way(): Promise<
    { url: string; line: Line & { proxy: NonNullable<Line["proxy"]> } } | undefined
  > {
    const { network } = this;
    if (!network) return undefined;
    const { url, proxy } = await network.proxied(this.url);
    // Before those who use it are stopped.
    onTestFinished(() => proxy.heal());
    return { url, line: { ...lineOf(proxy), proxy } };
  }

  /** A process, killed when the test ends. */
  async taker(options: Partial<TakerOptions> = {}): Promise<Taker> {
    const { module } = this.subject;
    const all = { agentId: crypto.randomUUID(), ...this.#options, ...options.options };
    const taker = await Taker.start({ module, url: this.url, ...options, options: all });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    return taker;
  }

  /** Somebody who can be paused and killed: a process or, where the backend reaches none, a part of this one. */
  async mortal(): Promise<Mortal> {
    if (this.apart) return this.taker();
    const [clock, gate] = [new StoppableClock(), new Gate()];
    const coordinator = await this.#start(this.url, { clock }, gated(this.subject.driver, gate));
    const mortal = new LocalMortal(coordinator, clock, gate);
    onTestFinished(() => mortal.resume());
    return mortal;
  }

  async #start(
    backendUrl: string,
    options: Options,
    driver = this.subject.driver,
  ): Promise<Coordinator> {
    const drivers = [driver];
    const coordinator = new Coordinator({ ...this.#options, ...options, backendUrl, drivers });
    onTestFinished(() => coordinator.stop());
    await coordinator.start();
    return coordinator;
  }
}
