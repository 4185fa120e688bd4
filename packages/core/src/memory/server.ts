import type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  HolderInfo,
  LockState,
  Mode,
} from "../contract.js";
import type { Clock, Timer } from "../clock.js";
import type { LossReason } from "../errors.js";
import { SteadyClock } from "../steady-clock.js";

/** What a client is told without having asked. */
export type Push =
  | { readonly kind: "granted"; readonly owner: string; readonly token: bigint }
  | { readonly kind: "lost"; readonly owner: string; readonly reason: LossReason }
  | { readonly kind: "ended"; readonly reason: LossReason };

/** One request for a lock, waiting or granted. */
interface Entry {
  readonly owner: string;
  readonly session: string;
  readonly name: string;
  readonly mode: Mode;
  readonly info: HolderInfo;
  readonly since: number;
  token: bigint | undefined;
  /** Called when it is gone from the lock, with how. */
  readonly gone: ((how: "released" | "expired") => void)[];
}

interface ServerSession {
  readonly id: string;
  readonly ttl: number;
  expiresAt: number;
  readonly owned: Map<string, Entry>;
  /** What it asked to break, by its own ids for that. */
  readonly breaks: Map<string, Promise<BreakResult>>;
  readonly push: (push: Push) => void;
}

/** What a session has at the server. */
export type Owned = ReadonlyMap<string, bigint | undefined>;

/**
 * The reference backend: sessions with leases, a fair queue for each name, tokens that grow. It runs
 * in this process; its time is the machine's since boot, which goes on while the machine sleeps.
 */
export class MemoryServer {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, ServerSession>();
  // The holders and those who wait, in order of arrival, of each name that has any.
  readonly #lines = new Map<string, Set<Entry>>();
  // Kept for good: the tokens of a name must grow for ever.
  readonly #tokens = new Map<string, bigint>();
  #expiry: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = new SteadyClock(clock);
  }

  open(id: string, ttl: number, previous: string | undefined, push: (push: Push) => void): void {
    this.#expire();
    if (previous !== undefined) this.end(previous, "session");
    const expiresAt = this.#clock.now() + ttl;
    this.#sessions.set(id, { id, ttl, expiresAt, owned: new Map(), breaks: new Map(), push });
    this.#watch();
  }

  /** Renews a session, tells it again what it was asked to give back; gives what it owns, or undefined when it is over. */
  beat(id: string): Owned | undefined {
    this.#expire();
    const session = this.#sessions.get(id);
    if (!session) return undefined;
    session.expiresAt = this.#clock.now() + session.ttl;
    for (const entry of session.owned.values()) if (entry.gone.length > 0) this.#askBack(entry);
    return new Map([...session.owned].map(([owner, entry]) => [owner, entry.token]));
  }

  /** Puts a request in line, once: asked again for the same owner it answers how that one stands. */
  acquire(
    id: string,
    { name, owner, mode, wait, info }: Omit<AcquireRequest, "signal">,
  ): { token: bigint } | { holders: HolderInfo[] } | "queued" | "no session" {
    this.#expire();
    const session = this.#sessions.get(id);
    if (!session) return "no session";
    let entry = session.owned.get(owner);
    if (!entry) {
      const since = this.#clock.wall();
      entry = { owner, session: id, name, mode, info, since, token: undefined, gone: [] };
      session.owned.set(owner, entry);
      const line = this.#lines.get(name) ?? new Set();
      this.#lines.set(name, line.add(entry));
      this.#serve(name, entry);
    }
    if (entry.token !== undefined) return { token: entry.token };
    if (wait) return "queued";
    const holders = this.inspect(name).holders;
    this.#remove(entry, "released");
    return { holders: [...holders] };
  }

  /** Takes a request out of line, or gives back what it was granted. */
  release(id: string, owner: string): "released" | "gone" {
    this.#expire();
    const entry = this.#sessions.get(id)?.owned.get(owner);
    if (!entry) return "gone";
    this.#remove(entry, "released");
    return "released";
  }

  inspect(name: string): LockState {
    this.#expire();
    const line = [...(this.#lines.get(name) ?? [])];
    return {
      holders: line.filter(({ token }) => token !== undefined).map(infoOf),
      waiters: line.filter(({ token }) => token === undefined).map(infoOf),
    };
  }

  /**
   * Asks holders to give back, or takes from them; resolves when all are gone, undefined for a
   * session that is over. Asked again with the same id it answers how that one stands.
   */
  break(
    id: string,
    breakId: string,
    name: string,
    options: BreakOptions,
  ): Promise<BreakResult | undefined> {
    this.#expire();
    const breaks = this.#sessions.get(id)?.breaks;
    if (!breaks) return Promise.resolve(undefined);
    const result = breaks.get(breakId) ?? this.#break(name, options);
    breaks.set(breakId, result);
    return result;
  }

  async #break(name: string, { token, force }: BreakOptions): Promise<BreakResult> {
    const held = this.#held(name).filter((entry) => token === undefined || entry.token === token);
    const holders = held.map(infoOf);
    if (held.length === 0) return { outcome: "free", holders };
    const gone = held.map(
      (entry) =>
        new Promise<"released" | "expired">((resolve) => {
          entry.gone.push(resolve);
          this.#askBack(entry);
          if (force) this.#remove(entry, "released");
        }),
    );
    if (force) return { outcome: "forced", holders };
    const how = await Promise.all(gone);
    return { outcome: how.includes("expired") ? "expired" : "released", holders };
  }

  /** Takes the lock from whoever holds it, as an administrator who deletes what stands for it. */
  revoke(name: string): void {
    this.#expire();
    for (const entry of this.#held(name)) {
      this.#tell(entry.session, { kind: "lost", owner: entry.owner, reason: "taken" });
      this.#remove(entry, "released");
    }
  }

  /** Ends a session and all that it owns. */
  end(id: string, reason: LossReason): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    const how = reason === "expired" ? "expired" : "released";
    for (const entry of session.owned.values()) this.#remove(entry, how);
    session.push({ kind: "ended", reason });
    this.#watch();
  }

  #held(name: string): Entry[] {
    return [...(this.#lines.get(name) ?? [])].filter(({ token }) => token !== undefined);
  }

  #remove(entry: Entry, how: "released" | "expired"): void {
    this.#sessions.get(entry.session)?.owned.delete(entry.owner);
    const line = this.#lines.get(entry.name);
    if (!line?.delete(entry)) return;
    if (line.size === 0) this.#lines.delete(entry.name);
    for (const tell of entry.gone) tell(how);
    this.#serve(entry.name);
  }

  /** Grants to those at the head of the line: one exclusive request, or neighbouring shared ones. */
  #serve(name: string, asking?: Entry): void {
    let shared: boolean | undefined;
    for (const entry of this.#lines.get(name) ?? []) {
      const isShared = entry.mode === "shared";
      if (shared !== undefined && !(shared && isShared)) return;
      shared = isShared;
      if (entry.token !== undefined) continue;
      entry.token = (this.#tokens.get(name) ?? 0n) + 1n;
      this.#tokens.set(name, entry.token);
      // Whoever is asking has its answer by the reply.
      if (entry !== asking) {
        this.#tell(entry.session, { kind: "granted", owner: entry.owner, token: entry.token });
      }
    }
  }

  #askBack({ session, owner }: Entry): void {
    this.#tell(session, { kind: "lost", owner, reason: "broken" });
  }

  #tell(session: string, push: Push): void {
    this.#sessions.get(session)?.push(push);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const { id, expiresAt } of this.#sessions.values()) {
      if (expiresAt <= now) this.end(id, "expired");
    }
  }

  /** One timer, for the session that ends first if nobody renews it. */
  #watch(): void {
    this.#expiry?.cancel();
    const ends = [...this.#sessions.values()].map(({ expiresAt }) => expiresAt);
    if (ends.length === 0) return;
    const wait = Math.max(0, Math.min(...ends) - this.#clock.now());
    this.#expiry = this.#clock.timer(wait, () => {
      this.#expire();
      this.#watch();
    });
  }
}

function infoOf({ info, since, token, mode }: Entry): HolderInfo {
  const shared = mode === "shared";
  return { ...info, since: new Date(since), shared, ...(token === undefined ? {} : { token }) };
}
