import {
  CoordError,
  endless,
  onAbort,
  type AcquireRequest,
  type Busy,
  type Driver,
  type Grant,
  type HolderInfo,
  type LockState,
  type LossReason,
  type Session,
  type SessionContext,
  type SessionEnd,
  type Traits,
} from "@coord/core/driver";

/** A backend in this process that a test steers: it shows what core does, and proves nothing about locks. */
export class Scripted {
  /** Everything core asked of it, in order. */
  readonly calls: string[] = [];
  readonly sessions: ScriptedSession[] = [];
  /** What `open()` does before it gives a session; rejects to be away. */
  opening: () => Promise<void> = () => Promise.resolve();
  traits: Traits = {
    reach: "process",
    liveness: "session",
    crashReleaseMs: 0,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "a counter",
    tokenSurvives: { dataLoss: false, failover: true, clockStep: true },
    wake: "push",
    holderInfo: ["member"],
    revocable: ["removal"],
  };
  readonly held = new Map<string, ScriptedGrant>();
  tokens = 0n;

  readonly driver: Driver = {
    name: "scripted",
    schemes: ["scripted"],
    options: {
      password: { type: "string", help: "what nobody may see", secret: true },
      timeout: { type: "seconds", help: "means nothing here", ignored: true },
    },
    open: async (_url, context) => {
      this.calls.push(context.previous === undefined ? "open" : `open after ${context.previous}`);
      await this.opening();
      const session = new ScriptedSession(this, `session ${this.sessions.length + 1}`, context);
      this.sessions.push(session);
      return session;
    },
  };

  /** The newest session. */
  get session(): ScriptedSession {
    const session = this.sessions.at(-1);
    if (!session) throw new Error("no session was opened");
    return session;
  }
}

export class ScriptedSession implements Session {
  readonly id: string;
  readonly lease = endless;
  readonly beatEvery = 10;
  readonly ended: Promise<SessionEnd>;
  readonly context: SessionContext;
  /** What a beat does. */
  beating: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  /** What `acquire()` waits for before it looks whether the lock is free. */
  asking: (request: AcquireRequest) => Promise<void> = () => Promise.resolve();
  /** What `release()` waits for before it frees the lock. */
  releasing: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  closing: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly requests: AcquireRequest[] = [];
  /** Whether it takes no notice of a request's signal. */
  deaf = false;
  #over = false;
  readonly #backend: Scripted;
  readonly #waiters = new Set<() => void>();
  #end!: (end: SessionEnd) => void;

  constructor(backend: Scripted, id: string, context: SessionContext) {
    this.#backend = backend;
    this.id = id;
    this.context = context;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get traits(): Traits {
    return this.#backend.traits;
  }

  end(reason: LossReason): void {
    this.#over = true;
    this.#backend.held.clear();
    this.#end({ reason, error: new Error("the server went away") });
  }

  async beat(signal: AbortSignal): Promise<void> {
    this.#backend.calls.push("beat");
    await this.beating(signal);
  }

  async acquire(request: AcquireRequest): Promise<Grant | Busy> {
    const { name, mode, wait, signal } = request;
    this.requests.push(request);
    this.#backend.calls.push(`${wait ? "acquire" : "try"} ${name}`);
    await this.asking(request);
    while (this.#backend.held.has(name)) {
      if (!wait) return { busy: true };
      await new Promise<void>((resolve, reject) => {
        this.#waiters.add(resolve);
        onAbort(signal, () => reject(signal.reason));
      });
    }
    if (!this.deaf) signal.throwIfAborted();
    const grant = new ScriptedGrant(++this.#backend.tokens, async (releaseSignal) => {
      this.#backend.calls.push(`release ${name}`);
      await this.releasing(releaseSignal);
      if (mode === "shared") return "released";
      if (this.#backend.held.get(name) !== grant) return "gone";
      this.#backend.held.delete(name);
      for (const wake of this.#waiters) wake();
      this.#waiters.clear();
      return "released";
    });
    if (mode === "exclusive" && !this.#over) this.#backend.held.set(name, grant);
    return grant;
  }

  inspect(name: string): Promise<LockState> {
    this.#backend.calls.push(`inspect ${name}`);
    const holders: HolderInfo[] = this.#backend.held.has(name) ? [{ member: "somebody" }] : [];
    return Promise.resolve({ holders, waiters: [] });
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#backend.calls.push("close");
    await this.closing(signal);
    this.end("closed");
  }
}

export class ScriptedGrant implements Grant {
  readonly token: bigint;
  readonly lease = endless;
  readonly lost: Promise<LossReason>;
  readonly release: Grant["release"];
  lose!: (reason: LossReason) => void;

  constructor(token: bigint, release: Grant["release"]) {
    this.token = token;
    this.release = release;
    this.lost = new Promise((resolve) => {
      this.lose = resolve;
    });
  }
}

/** The error of a backend that is away. */
export function away(): CoordError {
  return new CoordError("COORD_UNAVAILABLE", "The server is away. Start it.");
}
