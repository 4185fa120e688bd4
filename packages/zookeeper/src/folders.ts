import type { Clock, Link } from "@coord/core/driver";
import type { Connection } from "./connection/connection.js";
import { ephemeral, persistent } from "./connection/connection.js";
import { allow, nodeExists, noNode, notEmpty } from "./connection/failures.js";
import { hexOf } from "./connection/longs.js";

/** For how long, in milliseconds, nobody here has used a lock whose folder is removed. */
const idleFor = 60_000;
/** How many are removed at once: there are other things to ask. */
const atOnce = 100;
/** How many are guarded at most: the server removes all guards of a session by one change. */
const mostGuards = 1_000;
const nothing = Buffer.alloc(0);

/** What is known of a folder that is in use here. */
interface Folder {
  readonly path: string;
  usedAt: number;
  /** Whether its lock was given back before by one who was alone. */
  isLeft: boolean;
  /** The node of ours that keeps others from removing it. */
  guard: "none" | "asked" | "there";
  /** The number of a node of ours that was deleted, with none left that was made before it. */
  last: number | undefined;
}

/**
 * The folders of locks: made when they are missing, and removed when nobody has used them for a while.
 *
 * In a folder numbers only grow, for as long as it is not removed. So who gives back the lock it had,
 * and then gets the very next number, is first again, and need not list who else is there. A folder
 * whose lock is used again and again by one alone has a guard for that, a node of the session.
 */
export class Folders {
  readonly #link: Link<Connection>;
  readonly #clock: Clock;
  readonly #keep: boolean;
  // By their paths; the one used last is the last.
  readonly #used = new Map<string, Folder>();
  #guards = 0;

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
  use(path: string, connection: Connection): void {
    const usedAt = this.#clock.now();
    const known = this.#used.get(path);
    // Whether that is done or not, the node says.
    if (!known) connection.create(path, nothing, persistent).catch(() => {});
    this.#touch(known ?? { path, usedAt, isLeft: false, guard: "none", last: undefined }, usedAt);
  }

  /** The number with which the next node is first, if that is known. It is told once. */
  takeFirst(path: string): number | undefined {
    const known = this.#used.get(path);
    const last = known?.last;
    if (!known || last === undefined) return undefined;
    known.last = undefined;
    return (last + 1) | 0;
  }

  /**
   * Before a node is deleted that had the lock when nobody else was there. The function it gives is to
   * be called when it has been.
   */
  leave(path: string, number: number, connection: Connection): () => void {
    const known = this.#used.get(path);
    if (known?.guard === "there") return () => (known.last = number);
    // While the node is there: so it is in the same folder.
    if (known?.isLeft && connection.mayRest) void this.#guard(known, connection);
    else if (known) known.isLeft = true;
    return () => {};
  }

  /** Removes what nobody has used for a while; the server removes none that is in use. */
  tidy(inUse: ReadonlySet<string>): void {
    const now = this.#clock.now();
    let left = atOnce;
    for (const known of this.#used.values()) {
      if (known.usedAt > now - idleFor || left-- === 0) return;
      if (inUse.has(known.path)) this.#touch(known, now);
      else void this.#remove(known).catch(() => {});
    }
  }

  /** Removes those used last, as far as they are not in use. */
  async removeAll(): Promise<void> {
    const last = [...this.#used.values()].slice(-10 * atOnce);
    await Promise.allSettled(last.map((each) => this.#remove(each)));
  }

  #touch(folder: Folder, now: number): void {
    folder.usedAt = now;
    this.#used.delete(folder.path);
    this.#used.set(folder.path, folder);
  }

  async #guard(folder: Folder, connection: Connection): Promise<void> {
    if (folder.guard === "asked" || this.#guards >= mostGuards) return;
    folder.guard = "asked";
    this.#guards += 1;
    try {
      const guard = guardOf(folder.path, connection);
      await connection.create(guard, nothing, ephemeral).catch(allow(nodeExists));
      folder.guard = "there";
    } catch {
      // Who comes next lists who is there, and asks for it again.
      folder.guard = "none";
      this.#guards -= 1;
    }
  }

  async #remove({ path, guard }: Folder): Promise<void> {
    const { connection } = this.#link;
    this.#used.delete(path);
    if (guard !== "none") {
      this.#guards -= 1;
      connection.delete(guardOf(path, connection)).catch(() => {});
    }
    if (this.#keep) return;
    await connection.delete(path).catch(allow(noNode, notEmpty));
  }
}

/** A node that ends with the session, and stands for nobody. */
function guardOf(folder: string, { session }: Connection): string {
  return `${folder}/guard-${hexOf(session.id)}`;
}
