import { Awake } from "./awake.js";
import { deferred } from "./deferred.js";
import { CoordError } from "./errors.js";
import { Lock, type LockSource } from "./lock.js";
import { fullName } from "./names.js";
import type { Running } from "./running.js";
import { readSettings, type CoordinatorOptions, type Settings } from "./settings.js";
import { States, type CoordinatorState } from "./states.js";
import { renderTemplate } from "./template.js";
import type { Traits } from "./traits.js";
import { parseBackendUrl, type ParsedUrl } from "./url.js";

/** One life of a coordinator, from `start()` to `stop()`. */
interface Life {
  stopped: boolean;
  running: Running | undefined;
}

/**
 * A program's member among others that share a backend: it connects, shows that it is alive,
 * connects again when it must, and makes the locks. It keeps a program running only while it holds
 * or waits for something.
 */
export class Coordinator implements AsyncDisposable {
  /** `prefix + agentId`: who this is for the others. */
  readonly memberId: string;
  readonly #settings: Settings;
  readonly #url: ParsedUrl;
  readonly #states = new States();
  readonly #source: LockSource;
  readonly #awake: Awake;
  #life: Life | undefined;
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> = Promise.resolve();

  /** @throws COORD_BAD_OPTION, COORD_BAD_URL. Nothing is connected before `start()`. */
  constructor(options: CoordinatorOptions = {}) {
    this.#settings = readSettings(options);
    this.memberId = this.#settings.memberId;
    this.#url = parseBackendUrl(this.#settings.backendUrl);
    this.#awake = new Awake(this.#settings.clock);
    this.#source = { locks: () => this.#mustRun().locks, traits: () => this.traits };
  }

  get state(): CoordinatorState {
    return this.#states.current;
  }

  /** Whether `start()` succeeded and `stop()` was not called since. */
  get started(): boolean {
    return this.#running !== undefined;
  }

  /**
   * What the backend promises.
   * @throws COORD_NOT_STARTED, COORD_STOPPED
   */
  get traits(): Traits {
    const { connection } = this.#mustRun();
    if (!connection.traits) throw connection.unavailable();
    return connection.traits;
  }

  /** The state now and every one after it, none left out; ends after `stopped`. */
  states(): AsyncIterable<CoordinatorState> {
    return this.#states.follow();
  }

  /**
   * Connects. Does nothing when it is started. Rejects when the backend is away (COORD_UNAVAILABLE),
   * is not what `require` asks for (COORD_TRAITS), or no driver serves the URL (COORD_UNKNOWN_SCHEME,
   * COORD_DRIVER_MISSING, COORD_BAD_OPTION).
   */
  start(): Promise<void> {
    if (this.#starting) return this.#starting;
    const life: Life = { stopped: false, running: undefined };
    this.#life = life;
    this.#starting = this.#awake.during(this.#start(life));
    this.#starting.catch(() => {
      if (this.#life === life) this.#life = this.#starting = undefined;
    });
    return this.#starting;
  }

  /**
   * Gives back everything that is held, ends whoever waits with COORD_STOPPED, and disconnects. Ends
   * in bounded time even if the backend is gone, and never rejects. Does nothing when it is stopped.
   */
  stop(): Promise<void> {
    const life = this.#life;
    if (!life) return this.#stopping;
    this.#life = this.#starting = undefined;
    const before = this.#stopping;
    const { promise, resolve } = deferred<void>();
    // Known before anybody is told, because whoever is told may call start() or stop().
    this.#stopping = promise;
    const stopping = Promise.all([before, this.#stop(life)]);
    void this.#awake.during(stopping).then(() => resolve());
    return promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * The lock of exactly this name, after the coordinator's prefix.
   * @throws COORD_BAD_NAME, COORD_NOT_STARTED, COORD_STOPPED
   */
  getLock(name: string): Lock {
    this.#mustRun();
    return new Lock(fullName(this.#settings.prefix, name), this.#source);
  }

  /**
   * The lock whose name is made from a template in the grammar of Python's `str.format`:
   * `"share-{share.id}"`, `"{snapshot[name]}"`, `{{` and `}}` for braces.
   * @throws COORD_BAD_TEMPLATE for a field that `data` lacks or that is no string, number, bigint or
   * boolean; COORD_BAD_NAME, COORD_NOT_STARTED, COORD_STOPPED
   */
  lock(template: string, data: Readonly<Record<string, unknown>> = {}): Lock {
    return this.getLock(renderTemplate(template, data));
  }

  async #start(life: Life): Promise<void> {
    await this.#stopping;
    const { makeRunning } = await import("./running.js");
    const running = await makeRunning(this.#url, this.#settings, this.#awake, {
      state: (state) => {
        if (life.stopped) return;
        // Before anybody is told: who hears of the connection may ask for locks.
        this.#running = life.running;
        this.#states.set(state);
        if (state === "suspended") life.running?.locks.suspended();
      },
      ended: (reason) => life.running?.locks.sessionEnded(reason),
    });
    if (life.stopped) throw stopped();
    life.running = running;
    await running.connection.open();
  }

  async #stop(life: Life): Promise<void> {
    life.stopped = true;
    this.#running = undefined;
    this.#states.set("stopped");
    const { running } = life;
    if (!running) return;
    running.locks.close(stopped());
    const closing = running.connection.close();
    // What is not given back yet ends with the session.
    running.locks.sessionEnded("closed");
    await closing;
  }

  #mustRun(): Running {
    if (this.#running) return this.#running;
    if (this.state === "stopped") throw stopped();
    throw new CoordError(
      "COORD_NOT_STARTED",
      "The coordinator is not started. Await start() first, or make it with connect().",
    );
  }
}

function stopped(): CoordError {
  return new CoordError("COORD_STOPPED", "The coordinator was stopped. Call start() to go on.");
}
