import { Crowded, type Mode } from "@coord/core/driver";
import type { Call, Rows } from "./connection/request.js";
import { crowded, scrub } from "./statements.js";
import { Together } from "./together.js";

/** Where one who waits stands in line. */
export interface Place {
  readonly slot: number;
  /** Whether it is a writer who is next, and keeps readers out. */
  readonly gate: boolean;
}

/** One of many that are asked for again together. */
export interface Retry extends Place {
  readonly key: bigint;
  readonly mode: Mode;
}

/** How a session asks. */
export interface Asker {
  run(text: string): Promise<Rows>;
  call(call: Call): Promise<Rows>;
}

/** The statements, as one session calls them. Each is one round trip, and none waits for a lock. */
export class Server {
  readonly #asker: Asker;
  readonly #asks: Together<bigint>;
  readonly #crowded = new Crowded<bigint>();
  readonly #releases: Together<{ readonly key: bigint; readonly slot: number }>;

  constructor(asker: Asker) {
    this.#asker = asker;
    this.#asks = new Together((keys) => this.#numbers("coord_ask_exclusives", list(keys)));
    this.#releases = new Together((all) => {
      const [keys, slots] = [all.map(({ key }) => key), all.map(({ slot }) => slot)];
      return this.#numbers("coord_release_exclusives", list(keys), list(slots));
    });
  }

  /** A token, `again`, or a place in line. */
  ask(key: bigint, mode: Mode): Promise<bigint> {
    if (mode === "shared") return this.#number("coord_ask_shared", key);
    return this.#asks.add(key, () => this.#askAlone(key));
  }

  /** A token, or `busy`. */
  try(key: bigint, mode: Mode): Promise<bigint> {
    return this.#number(`coord_try_${mode}`, key);
  }

  /** A token, or the place in line it has then. */
  retry({ key, mode, slot, gate }: Retry): Promise<bigint> {
    return this.#number(`coord_retry_${mode}`, key, slot, gate);
  }

  /** The same for many, in their order. */
  retryAll(all: readonly Retry[]): Promise<bigint[]> {
    const [keys, slots] = [list(all.map(({ key }) => key)), list(all.map(({ slot }) => slot))];
    const gates = list(all.map(({ gate }) => gate));
    const modes = list(all.map(({ mode }) => mode === "shared"));
    return this.#numbers("coord_retry_all", keys, slots, gates, modes);
  }

  /** Whether one more reader may join those of this session that hold it. */
  async join(key: bigint): Promise<boolean> {
    const [row] = await this.#call("coord_join", key);
    return row?.[0] === "t";
  }

  async leave(key: bigint, { slot, gate }: Place): Promise<void> {
    await this.#call("coord_leave", key, slot, gate);
  }

  /** Whether it was held. Whoever is next after `slot` is woken. */
  async release(key: bigint, mode: Mode, slot: number): Promise<boolean> {
    const released =
      mode === "shared"
        ? this.#number("coord_release_shared", key, slot)
        : this.#releases.add({ key, slot }, () => this.#releaseAlone(key, slot));
    return (await released) === 1n;
  }

  /** Gives back all that the session has of a lock, whatever it is, but not the lock itself if `keep`. */
  async scrub(key: bigint, keep: boolean): Promise<void> {
    await this.#asker.run(scrub(key, keep));
    // By itself, because it may lack the room in which to look; who waits looks, too, after a while.
    this.#call("coord_wake_all", list([key])).catch(() => {});
  }

  /** Gives back all that the session has, and wakes whoever waits for one of these. */
  async giveUp(keys: readonly bigint[]): Promise<void> {
    await this.#asker.run(
      `SELECT pg_advisory_unlock_all();EXECUTE coord_wake_all('{${keys.join()}}')`,
    );
  }

  async #askAlone(key: bigint): Promise<bigint> {
    if (!this.#crowded.has(key)) {
      const answer = await this.#number("coord_ask_first", key);
      if (answer !== crowded) return answer;
      this.#crowded.add(key);
    }
    const answer = await this.#number("coord_ask_exclusive", key);
    if (answer > 0n) this.#crowded.delete(key);
    return answer;
  }

  async #releaseAlone(key: bigint, slot: number): Promise<bigint> {
    if (this.#crowded.has(key)) return this.#number("coord_release_exclusive", key, slot);
    const answer = await this.#number("coord_release_last", key);
    if (answer !== crowded) return answer;
    this.#crowded.add(key);
    await this.#call("coord_wake_all", list([key]));
    return 1n;
  }

  async #number(statement: string, ...args: Argument[]): Promise<bigint> {
    const [row] = await this.#call(statement, ...args);
    return numberOf(row?.[0]);
  }

  async #numbers(statement: string, ...args: Argument[]): Promise<bigint[]> {
    const rows = await this.#call(statement, ...args);
    return rows.map(([answer]) => numberOf(answer));
  }

  #call(statement: string, ...args: Argument[]): Promise<Rows> {
    return this.#asker.call({ statement, args: args.map(String) });
  }
}

type Argument = string | number | bigint | boolean;

/** As an array is written down. */
function list(items: readonly Argument[]): string {
  return `{${items.join()}}`;
}

function numberOf(text: string | null | undefined): bigint {
  // A part of it was not ours, so all of it is in doubt.
  if (text === null || text === undefined)
    throw new Error("PostgreSQL lost a lock of the session.");
  return BigInt(text);
}
