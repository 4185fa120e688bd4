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
    // The last error says why the folder is not there, and those before it why that is.
    const made = await Promise.allSettled(
      all.map((path) => connection.create(path, nothing, persistent).catch(allow(nodeExists))),
    );
    const last = made.at(-1);
    if (last?.status !== "rejected") return;
    const first = made.find(({ status }) => status === "rejected");
    throw first?.status === "rejected" ? first.reason : last.reason;
  }

  /** Somebody here has used it. */
  use(folder: string): void {
    if (this.#keep) return;
    // The one used last is the last one.
    this.#used.delete(folder);
    this.#used.set(folder, this.#clock.now());
  }

  /** Removes what nobody has used for a while; the server removes none that is in use. */
  tidy(isUsed: (folder: string) => boolean): void {
    const before = this.#clock.now() - idleFor;
    let left = atOnce;
    for (const [folder, at] of this.#used) {
      if (at > before || left-- === 0) return;
      if (isUsed(folder)) this.use(folder);
      else void this.#remove(folder).catch(() => {});
    }
  }

  /** Removes all that were used and are not in use. */
  async removeAll(): Promise<void> {
    await Promise.allSettled([...this.#used.keys()].slice(-10 * atOnce).map((each) => this.#remove(each)));
  }

  async #remove(folder: string): Promise<void> {
    this.#used.delete(folder);
    await this.#link.connection.delete(folder).catch(allow(noNode, notEmpty));
  }
}
