import type { Mode } from "@coord/core/driver";
import type { Rows } from "./connection/wire.js";
import { crowded, scrub } from "./statements.js";
import { Together } from "./together.js";

/** Of how many locks it is remembered that others want them, too. */
const mostCrowded = 1_000;

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

/** The statements, as one session calls them. Each is one round trip, and none waits for a lock. */
export class Server {
  readonly #run: (text: string) => Promise<Rows>;
  readonly #asks: Together<bigint>;
  // What others wanted, too, when it was last asked for.
  readonly #crowded = new Set<bigint>();
  readonly #releases: Together<{ readonly key: bigint; readonly slot: number }>;

  constructor(run: (text: string) => Promise<Rows>) {
    this.#run = run;
    this.#asks = new Together((keys) => this.#numbers(`coord_ask_exclusives('{${keys.join()}}')`));
    this.#releases = new Together((all) => {
      const [keys, slots] = [all.map(({ key }) => key), all.map(({ slot }) => slot)];
      return this.#numbers(`coord_release_exclusives('{${keys.join()}}','{${slots.join()}}')`);
    });
  }

  /** A token, `again`, or a place in line. */
  ask(key: bigint, mode: Mode): Promise<bigint> {
    if (mode === "shared") return this.#number(`coord_ask_shared(${key})`);
    return this.#asks.add(key, () => this.#askAlone(key));
  }

  /** A token, or `busy`. */
  try(key: bigint, mode: Mode): Promise<bigint> {
    return this.#number(`coord_try_${mode}(${key})`);
  }

  /** A token, or the place in line it has then. */
  retry({ key, mode, slot, gate }: Retry): Promise<bigint> {
    return this.#number(`coord_retry_${mode}(${key},${slot},${gate})`);
  }

  /** The same for many, in their order. */
  retryAll(all: readonly Retry[]): Promise<bigint[]> {
    const list = (of: (each: Retry) => unknown): string => `'{${all.map(of).join()}}'`;
    const [keys, slots] = [list(({ key }) => key), list(({ slot }) => slot)];
    const [gates, modes] = [list(({ gate }) => gate), list(({ mode }) => mode === "shared")];
    return this.#numbers(`coord_retry_all(${keys},${slots},${gates},${modes})`);
  }

  /** Whether one more reader may join those of this session that hold it. */
  async join(key: bigint): Promise<boolean> {
    const [row] = await this.#run(`EXECUTE coord_join(${key})`);
    return row?.[0] === "t";
  }

  async leave(key: bigint, { slot, gate }: Place): Promise<void> {
    await this.#run(`EXECUTE coord_leave(${key},${slot},${gate})`);
  }

  /** Whether it was held. Whoever is next after `slot` is woken. */
  async release(key: bigint, mode: Mode, slot: number): Promise<boolean> {
    const released =
      mode === "shared"
        ? this.#number(`coord_release_shared(${key},${slot})`)
        : this.#releases.add({ key, slot }, () => this.#releaseAlone(key, slot));
    return (await released) === 1n;
  }

  /** Gives back all that the session has of a lock, whatever it is, but not the lock itself if `keep`. */
  async scrub(key: bigint, keep: boolean): Promise<void> {
    await this.#run(`${scrub(key, keep)};EXECUTE coord_wake_all('{${key}}')`);
  }

  /** Gives back all that the session has, and wakes whoever waits for one of these. */
  async giveUp(keys: readonly bigint[]): Promise<void> {
    await this.#run(`SELECT pg_advisory_unlock_all();EXECUTE coord_wake_all('{${keys.join()}}')`);
  }

  async #askAlone(key: bigint): Promise<bigint> {
    if (!this.#crowded.has(key)) {
      const answer = await this.#number(`coord_ask_first(${key})`);
      if (answer !== crowded) return answer;
      this.#remember(key);
    }
    const answer = await this.#number(`coord_ask_exclusive(${key})`);
    if (answer > 0n) this.#crowded.delete(key);
    return answer;
  }

  async #releaseAlone(key: bigint, slot: number): Promise<bigint> {
    if (this.#crowded.has(key)) return this.#number(`coord_release_exclusive(${key},${slot})`);
    const answer = await this.#number(`coord_release_last(${key})`);
    if (answer !== crowded) return answer;
    this.#remember(key);
    await this.#run(`EXECUTE coord_wake_all('{${key}}')`);
    return 1n;
  }

  #remember(key: bigint): void {
    if (this.#crowded.size === mostCrowded) this.#crowded.clear();
    this.#crowded.add(key);
  }

  async #number(call: string): Promise<bigint> {
    const [row] = await this.#run(`EXECUTE ${call}`);
    return numberOf(row?.[0]);
  }

  async #numbers(call: string): Promise<bigint[]> {
    const rows = await this.#run(`EXECUTE ${call}`);
    return rows.map(([answer]) => numberOf(answer));
  }
}

function numberOf(text: string | null | undefined): bigint {
  // A part of it was not ours, so all of it is in doubt.
  if (text === null || text === undefined)
    throw new Error("PostgreSQL lost a lock of the session.");
  return BigInt(text);
}
