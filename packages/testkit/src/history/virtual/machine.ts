import type {
  BreakResult,
  Clock,
  Driver,
  Grant,
  LockState,
  Session,
  SessionContext,
  Timer,
} from "@coord/core/driver";
import type { VirtualClock } from "@coord/core/memory";
import { Gate, withOwn } from "../../contract/gate.js";
import type { Random } from "../random.js";

const nobody: LockState = { holders: [], waiters: [] };
const free: BreakResult = { outcome: "free", holders: [] };

/** A driver's session, changed in some way. */
export type Wrap = (session: Session, context: SessionContext) => Session;

/**
 * A machine with one process, in virtual time: it can be stopped, go on and be killed. While it stands
 * still, time passes but none of its timers fires, and nothing passes between it and its driver.
 */
export class Machine implements Clock {
  readonly pid: number;
  readonly #world: VirtualClock;
  readonly #random: Random;
  readonly #gate = new Gate();
  #running = true;
  #dead = false;
  #stepped = 0;
  #late: (() => void)[] = [];

  constructor(pid: number, world: VirtualClock, random: Random) {
    this.pid = pid;
    this.#world = world;
    this.#random = random;
  }

  get running(): boolean {
    return this.#running;
  }

  now(): number {
    return this.#world.now();
  }

  hrtime(): bigint {
    return this.#world.hrtime();
  }

  wall(): number {
    return this.#world.wall() + this.#stepped;
  }

  boot(): number {
    return this.#world.boot();
  }

  timer(ms: number, callback: () => void): Timer {
    let cancelled = false;
    const fire = (): void => {
      if (cancelled || this.#dead) return;
      if (this.#running) callback();
      else this.#late.push(fire);
    };
    const timer = this.#world.timer(ms, fire);
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

  /** Stands still, as by SIGSTOP. */
  pause(): void {
    this.#running = false;
    this.#gate.shut();
  }

  /** Goes on: its late timers have their turns one after another, and what it was told, before or after. */
  resume(): void {
    if (this.#dead || this.#running) return;
    this.#running = true;
    const late = this.#late;
    this.#late = [];
    const listen = (): void => {
      if (this.#running) this.#gate.open();
    };
    const place = this.#random(2) === 0 ? 0 : late.length;
    for (const go of late.toSpliced(place, 0, listen)) this.#world.timer(0, go);
  }

  /** It does nothing any more, for good. */
  kill(): void {
    this.pause();
    this.#dead = true;
    this.#late = [];
  }

  /** The driver as this machine has it. */
  driver(driver: Driver, wrap: Wrap): Driver {
    return {
      ...driver,
      open: (url, context) =>
        this.#through(async () => this.#gated(wrap(await driver.open(url, context), context))),
    };
  }

  #gated(session: Session): Session {
    const through = <T>(action: () => Promise<T>): Promise<T> => this.#through(action);
    return withOwn(session, {
      ended: through(() => session.ended),
      acquire: (request) =>
        through(async () => {
          const answer = await session.acquire(request);
          return "busy" in answer ? answer : this.#gatedGrant(answer);
        }),
      close: (signal) => through(() => session.close(signal)),
      // All of these the memory backend has.
      beat: (signal) => through(async () => session.beat?.(signal)),
      inspect: (...given) => through(async () => session.inspect?.(...given) ?? nobody),
      break: (...given) => through(async () => session.break?.(...given) ?? free),
    });
  }

  #gatedGrant(grant: Grant): Grant {
    return withOwn(grant, {
      lost: this.#through(() => grant.lost),
      release: (signal) => this.#through(() => grant.release(signal)),
    });
  }

  async #through<T>(action: () => Promise<T>): Promise<T> {
    await this.#gate.pass();
    try {
      return await action();
    } finally {
      await this.#gate.pass();
    }
  }
}
