import {
  CoordError,
  onAbort,
  type BreakOptions,
  type BreakResult,
  type Clock,
} from "@coord/core/driver";
import type { Rows } from "./connection/request.js";
import { whoHas } from "./holders.js";
import type { NamedLock } from "./locks.js";
import type { Message } from "./messages.js";

/** How long a holder has to give back what is taken by force, in milliseconds: then its session is ended. */
const forcedAfter = 250;
/** How often it is looked whether a holder is gone, in milliseconds: nobody says so. */
const lookEvery = 100;

interface BreakingOptions {
  readonly clock: Clock;
  readonly ttl: number;
  readonly channel: string;
  /** The server's process of this session. */
  readonly backend: () => number;
  readonly run: (text: string) => Promise<Rows>;
}

/** One break under way: which of the asked have given it back, and which have another hold. */
interface Asked {
  readonly left: Set<number>;
  readonly others: Set<number>;
  poke: () => void;
}

/**
 * Asks holders to give a lock back, and gives back what others ask for. Only a holder knows its token,
 * and only the holder can end one hold and no other: by force, one that does not answer loses its
 * whole session.
 */
export class Breaking {
  readonly #options: BreakingOptions;
  readonly #asked = new Map<string, Asked>();

  constructor(options: BreakingOptions) {
    this.#options = options;
  }

  async break(key: bigint, options: BreakOptions, signal: AbortSignal): Promise<BreakResult> {
    const { clock, ttl, run, channel } = this.#options;
    const { token, force } = options;
    const { holders } = await whoHas(key, run);
    if (holders.length === 0) return { outcome: "free", holders };
    const asked: Asked = {
      left: new Set(holders.map(({ backend }) => backend)),
      others: new Set(),
      poke: () => {},
    };
    const id = crypto.randomUUID();
    this.#asked.set(id, asked);
    const until = clock.now() + (force ? forcedAfter : ttl + 2_000);
    let outcome: BreakResult["outcome"] = force ? "forced" : "released";
    try {
      await run(
        `SELECT pg_notify('${channel}', 'b ${key} ${token ?? "-"} ${id} ${[...asked.left].join()}')`,
      );
      while (asked.left.size > 0) {
        await this.#pause(asked, Math.min(lookEvery, Math.max(0, until - clock.now())), signal);
        signal.throwIfAborted();
        if (asked.left.size === 0) break;
        const still = new Set((await whoHas(key, run)).holders.map(({ backend }) => backend));
        for (const backend of asked.left) {
          if (still.has(backend)) continue;
          asked.left.delete(backend);
          if (!force) outcome = "expired";
        }
        if (asked.left.size > 0 && clock.now() >= until) {
          if (!force) throw silent();
          if (token !== undefined) throw unknownToken();
          await this.#terminate([...asked.left]);
        }
      }
    } finally {
      this.#asked.delete(id);
    }
    const broken = holders.filter(({ backend }) => !asked.others.has(backend));
    return broken.length === 0 ? { outcome: "free", holders: [] } : { outcome, holders: broken };
  }

  /** What is said of breaks, to those who break and to those who hold. */
  hear(message: Message, locks: ReadonlyMap<bigint, NamedLock>): void {
    if (message.kind === "break") {
      const { key, token, id, backends } = message;
      // Who has it only since then is not meant.
      const isMeant = backends.includes(this.#options.backend());
      if (isMeant) void this.#giveBack(locks.get(key), token, id);
    }
    if (message.kind !== "answer") return;
    const asked = this.#asked.get(message.id);
    if (!asked) return;
    asked.left.delete(message.backend);
    if (!message.isGiven) asked.others.add(message.backend);
    asked.poke();
  }

  close(): void {
    for (const asked of this.#asked.values()) asked.poke();
  }

  async #giveBack(
    lock: NamedLock | undefined,
    token: bigint | undefined,
    id: string,
  ): Promise<void> {
    if (!lock || lock.holders.size === 0) return;
    const { run, channel } = this.#options;
    const isMeant = token === undefined || token === lock.token;
    if (isMeant) await lock.break();
    const answer = `'r ${id} ' || pg_backend_pid() || ' ${isMeant ? "y" : "n"}'`;
    await run(`SELECT pg_notify('${channel}', ${answer})`).catch(() => {});
  }

  async #terminate(backends: readonly number[]): Promise<void> {
    const { run } = this.#options;
    try {
      await run(`SELECT pg_terminate_backend(pid) FROM unnest('{${backends.join()}}'::int[]) pid`);
    } catch (cause) {
      throw new CoordError(
        "COORD_UNAVAILABLE",
        "The holder does not answer, and this role may not end its session. Connect as the same role, or GRANT pg_signal_backend to this one.",
        { cause },
      );
    }
  }

  #pause(asked: Asked, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      asked.poke = () => {
        timer.cancel();
        unlisten();
        resolve();
      };
      const timer = this.#options.clock.timer(ms, () => asked.poke());
      const unlisten = onAbort(signal, () => asked.poke());
    });
  }
}

function silent(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "Who holds the lock does not answer and does not end: it may be no coordinator. Use break({ force: true }).",
  );
}

function unknownToken(): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    "Who holds the lock does not answer, and nobody else knows its token. Leave the token out to end its session.",
  );
}
