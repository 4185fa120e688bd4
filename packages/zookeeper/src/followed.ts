import { Crowded } from "@coord/core/driver";
import type { Candidate } from "./candidate.js";
import type { Connection, Follower } from "./connection/connection.js";
import { contenderOf, inOrder, type Contender } from "./paths.js";

/**
 * How many may be in a line for somebody to begin to follow it: each who does hears of all, where else of
 * a crowd only the next one hears.
 */
const most = 10;
/** How many nodes there may be in the end, those of sessions included that are not in line. */
const mostNodes = 3 * most;

/** Why a folder is followed no more. In one that was made anew, numbers begin anew. */
type Why = "too many" | "not all is told" | "made anew";

/** A lock's folder, as it is told; undefined until that begins. */
class Mirror implements Follower {
  readonly connection: Connection;
  readonly #folder: string;
  readonly #end: (why: Why) => void;
  // The number of the next node that is made, if it has one: all that are made are counted.
  #next = 0;
  #nodes: Map<string, Contender | undefined> | undefined;
  // Read once, until one comes or goes.
  #contenders: readonly Contender[] | undefined;
  /** Those who wait for what is told here, with the number of beats they have done so for the same node. */
  readonly waiting = new Map<Candidate, number>();
  /** Whether somebody was in the way of somebody here since the last beat. */
  isWanted = true;

  constructor(folder: string, connection: Connection, end: (why: Why) => void) {
    this.connection = connection;
    this.#folder = folder;
    this.#end = end;
  }

  /** Those in line, in their order; undefined until that is known. */
  get contenders(): readonly Contender[] | undefined {
    return (this.#contenders ??= this.#nodes && inOrder([...this.#nodes.values()]));
  }

  began(children: readonly string[], made: number): void {
    this.#next = made;
    this.#nodes = new Map(children.map((child) => [child, contenderOf(child)]));
  }

  made(child: string): void {
    const contender = contenderOf(child);
    const missing = contender === undefined ? 0 : (contender.number - this.#next) & 0x7fff_ffff;
    this.#next += 1;
    this.#nodes?.set(child, contender);
    this.#contenders = undefined;
    // Servers tell nothing of nodes that we may not read, whose owners may be before us.
    if (missing !== 0) this.#end(missing < 0x4000_0000 ? "not all is told" : "made anew");
    else if (this.#nodes && this.#nodes.size > mostNodes) this.#end("too many");
  }

  deleted(child: string): void {
    this.#nodes?.delete(child);
    this.#contenders = undefined;
    const path = `${this.#folder}/${child}`;
    for (const candidate of this.waiting.keys()) {
      if (candidate.blocker === path || candidate.node === path) this.wake(candidate);
    }
  }

  has(path: string | undefined): boolean {
    return path !== undefined && (this.#nodes?.has(path.slice(this.#folder.length + 1)) ?? false);
  }

  wakeAll(): void {
    for (const candidate of this.waiting.keys()) this.wake(candidate);
  }

  wake(candidate: Candidate): void {
    this.waiting.delete(candidate);
    candidate.wake("changed");
  }
}

/**
 * The folders of locks that several want at once, followed where the servers can tell of them: then who
 * is before whom is known without asking, and a turn is a node that is made and one that is deleted.
 */
export class FollowedFolders {
  readonly #mirrors = new Map<string, Mirror>();
  // Whose locks had somebody in the way before.
  readonly #crowded = new Crowded<string>();
  // Of which not all is told.
  readonly #veiled = new Crowded<string>();

  /** Those in line now, in their order; undefined where it has to be asked. */
  contenders(folder: string, connection: Connection): readonly Contender[] | undefined {
    return this.#of(folder, connection)?.contenders;
  }

  /**
   * Another node is before a candidate's, of so many in line: whether the candidate is woken when that is gone,
   * or its own. Else it has to watch by itself.
   */
  awaits(candidate: Candidate, contenders: number, connection: Connection): boolean {
    const { folder } = candidate;
    const mirror = this.#of(folder, connection);
    if (mirror && contenders > most) this.end(folder);
    else if (mirror?.contenders) {
      mirror.isWanted = true;
      mirror.waiting.set(candidate, candidate.isLate ? Infinity : 0);
      // One of them was read before it was told of.
      if (!mirror.has(candidate.node) || !mirror.has(candidate.blocker)) mirror.wake(candidate);
      return true;
    } else if (!mirror && contenders <= most && this.#mayBegin(folder)) {
      const begun = new Mirror(folder, connection, (why) => {
        if (why === "not all is told") this.#veiled.add(folder);
        this.end(folder);
      });
      this.#mirrors.set(folder, begun);
      connection.follow(folder, begun);
    }
    this.#crowded.add(folder);
    return false;
  }

  /** It waits no more. */
  forget(candidate: Candidate): void {
    this.#mirrors.get(candidate.folder)?.waiting.delete(candidate);
  }

  /** What is told of a folder is not to be relied on, or too much. */
  end(folder: string): void {
    const mirror = this.#mirrors.get(folder);
    if (!mirror) return;
    this.#mirrors.delete(folder);
    mirror.connection.unfollow(folder);
    mirror.wakeAll();
  }

  /**
   * With each beat. A folder in which nobody was in anybody's way is followed no more. Who has waited for
   * a whole beat is to watch by itself, too: a server may not tell of nodes that we may not read.
   */
  tidy(): void {
    for (const [folder, mirror] of this.#mirrors) {
      if (!mirror.isWanted && mirror.waiting.size === 0) {
        this.#crowded.delete(folder);
        this.end(folder);
      }
      mirror.isWanted = false;
      for (const [candidate, beats] of mirror.waiting) {
        mirror.waiting.set(candidate, beats + 1);
        if (beats !== 1) continue;
        candidate.isLate = true;
        candidate.wake("changed");
      }
    }
  }

  #mayBegin(folder: string): boolean {
    return this.#crowded.has(folder) && !this.#veiled.has(folder);
  }

  #of(folder: string, connection: Connection): Mirror | undefined {
    const mirror = this.#mirrors.get(folder);
    if (mirror && mirror.connection !== connection) this.#mirrors.delete(folder);
    return mirror?.connection === connection ? mirror : undefined;
  }
}
