import { onAbort, type BreakOptions, type BreakResult } from "@coord/core/driver";
import type { Clock, Link } from "@coord/core/driver";
import { ephemeral, type Connection } from "./connection/connection.js";
import { allow, codeOf, nodeExists, noNode, refusalOf } from "./connection/failures.js";
import { tombstoneOf } from "./holds.js";
import { readRecord, writeRecord } from "./records.js";
import { standingsOf, type Standing } from "./standing.js";

/** How often at least it is looked whether a holder is gone, in milliseconds: the news may get lost. */
const lookEvery = 500;
const nothing = Buffer.alloc(0);

/** Takes a lock from who holds it. */
export class Breaking {
  readonly #link: Link<Connection>;
  readonly #clock: Clock;
  // By when those have read them whom they are for.
  readonly #tombstones = new Map<string, number>();

  constructor(link: Link<Connection>, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  async break(
    folder: string,
    { force, token }: BreakOptions,
    { timeout, signal }: { timeout: number; signal: AbortSignal },
  ): Promise<BreakResult> {
    const { connection } = this.#link;
    const held = (await standingsOf(folder, connection)).filter(
      ({ holds, stat }) => holds && (token === undefined || stat.czxid === token),
    );
    const holders = held.map(({ info }) => info);
    if (held.length === 0) return { outcome: "free", holders };
    if (force) {
      await Promise.all(held.map(({ path }) => this.#take(path, connection, timeout)));
      return { outcome: "forced", holders };
    }
    const ends = await Promise.all(held.map((each) => this.#ask(each, signal)));
    return { outcome: ends.includes("expired") ? "expired" : "released", holders };
  }

  /** Removes what was said with holds that were taken, once nobody can want to read it any more. */
  tidy(connection: Connection): void {
    const now = this.#clock.now();
    for (const [path, until] of this.#tombstones) {
      if (until > now) continue;
      this.#tombstones.delete(path);
      connection.delete(path).catch(() => {});
    }
  }

  async #take(path: string, connection: Connection, timeout: number): Promise<void> {
    const tombstone = tombstoneOf(path);
    this.#tombstones.set(tombstone, this.#clock.now() + 2 * timeout);
    await Promise.all([
      connection.create(tombstone, nothing, ephemeral).catch(allow(nodeExists)),
      connection.delete(path).catch(allow(noNode)),
    ]);
  }

  /** Says so in the holder's node, and waits until that is gone. */
  async #ask(
    { path, record: { info, isOurs } }: Standing,
    signal: AbortSignal,
  ): Promise<"released" | "expired"> {
    // Of a holder of another kind nothing is known but that it is gone.
    let isGiven = !isOurs;
    let isSaid = !isOurs;
    let poke = (): void => {};
    const hear = (event: "changed" | "deleted"): void => {
      // After us only its owner writes to it, when it gives it back.
      isGiven ||= event === "changed";
      poke();
    };
    for (;;) {
      try {
        const { connection } = this.#link;
        if (!isSaid) await connection.setData(path, writeRecord(info, "asked"));
        isSaid = true;
        const { data } = await connection.data(path, hear);
        isGiven = !isOurs || readRecord(data).word === "given";
      } catch (error) {
        if (codeOf(error) === noNode) return isGiven ? "released" : "expired";
        const refusal = refusalOf(error);
        if (refusal) throw refusal;
        // If it is gone when we can look again, it answered, most likely, and we did not hear of it.
        isGiven = true;
      }
      await new Promise<void>((resolve) => {
        poke = () => {
          timer.cancel();
          unlisten();
          resolve();
        };
        const timer = this.#clock.timer(lookEvery, () => poke());
        const unlisten = onAbort(signal, () => poke());
      });
      signal.throwIfAborted();
    }
  }
}
