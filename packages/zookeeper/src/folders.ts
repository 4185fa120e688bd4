import type { Clock, Link } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";
import { persistent } from "./connection/connection.js";
import { allow, nodeExists, noNode, notEmpty } from "./connection/failures.js";

/** For how long, in milliseconds, nobody here has used a lock whose folder is removed. */
const idleFor = 60_000;
/** How many are removed at once: there are other things to ask. */
const atOnce = 100;
const nothing = Buffer.alloc(0);

/** The folders of locks: made when they are missing, and removed when nobody has used them for a while. */
export class Folders {
  readonly #link: Link<Connection>;
  readonly #clock: Clock;
  readonly #keep: boolean;
  // When each was used last, in that order.
  readonly #used = new Map<string, number>();

  /** @param keep whether they stay: others may rely on them */
  constructor(link: Link<Connection>, clock: Clock, { keep }: { keep: boolean }) {
    this.#link = link;
    this.#clock = clock;
    this.#keep = keep;
  }

  /** Makes a folder, with all above it. */
  async make(connection: Connection, folder: string): Promise<void> {
    const parts = folder.split("/").slice(1);
    const all = parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
    const made = await Promise.allSettled(
      all.map((path) => connection.create(path, nothing, persistent).catch(allow(nodeExists))),
    );
    if (made.at(-1)?.status === "fulfilled") return;
    // The first one that failed says why those below it did.
    for (const each of made) if (each.status === "rejected") throw each.reason;
  }

  /** Before a node is made in it. One that nobody here has used for a while is made, in the same go. */
  use(folder: string, connection: Connection): void {
    // Whether that is done or not, the node says.
    if (!this.#used.delete(folder)) connection.create(folder, nothing, persistent).catch(() => {});
    this.#used.set(folder, this.#clock.now());
  }

  /** Removes what nobody has used for a while; the server removes none that is in use. */
  tidy(inUse: ReadonlySet<string>): void {
    const now = this.#clock.now();
    let left = atOnce;
    for (const [folder, at] of this.#used) {
      if (at > now - idleFor || left-- === 0) return;
      if (!inUse.has(folder)) void this.#remove(folder).catch(() => {});
      else if (this.#used.delete(folder)) this.#used.set(folder, now);
    }
  }

  /** Removes those used last, as far as they are not in use. */
  async removeAll(): Promise<void> {
    const last = [...this.#used.keys()].slice(-10 * atOnce);
    await Promise.allSettled(last.map((each) => this.#remove(each)));
  }

  async #remove(folder: string): Promise<void> {
    this.#used.delete(folder);
    if (this.#keep) return;
    await this.#link.connection.delete(folder).catch(allow(noNode, notEmpty));
  }
}
