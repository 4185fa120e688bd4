import type { Link } from "@coord/core/driver";
import type { Candidate } from "./candidate.js";
import { ephemeralSequential, type Connection } from "./connection/connection.js";
import { allow, codeOf, isAnswer, noAnswer, noNode, refusalOf } from "./connection/failures.js";
import type { FollowedFolders } from "./followed.js";
import type { Folders } from "./folders.js";
import { beginningOf, blockerOf, contendersOf, numberOf, type Contender } from "./paths.js";
import { writeRecord } from "./records.js";

/** What core wants, of all that was asked for. */
export interface Wishes {
  has(candidate: Candidate): boolean;
  /** It was answered with no, or is lost: nobody wants it any more. */
  drop(candidate: Candidate): void;
}

/**
 * The lines before locks: each candidate has a node of its own, made with a number, and has the lock
 * when none that excludes it is before it. Who waits watches the last of those, and nothing else.
 */
export class Line {
  readonly #link: Link<Connection>;
  readonly #folders: Folders;
  readonly #followed: FollowedFolders;
  readonly #wishes: Wishes;
  // What nobody wants any more and the server may still have.
  readonly #unwanted = new Set<Candidate>();

  constructor(
    link: Link<Connection>,
    folders: { readonly all: Folders; readonly followed: FollowedFolders },
    wishes: Wishes,
  ) {
    this.#link = link;
    this.#folders = folders.all;
    this.#followed = folders.followed;
    this.#wishes = wishes;
  }

  /** Takes a candidate as far as it gets now: into line, or to the lock. */
  async pursue(candidate: Candidate): Promise<void> {
    candidate.isStale = true;
    if (candidate.isAsking) return;
    candidate.isAsking = true;
    try {
      while (candidate.isStale && this.#wishes.has(candidate) && !candidate.claim.granted) {
        candidate.isStale = false;
        await this.#step(candidate, this.#link.connection);
      }
    } catch (error) {
      this.#failed(candidate, error);
    } finally {
      candidate.isAsking = false;
      // What was granted is given back by who had it.
      const { granted } = candidate.claim;
      if (!granted && !this.#wishes.has(candidate)) this.giveBack(candidate);
    }
  }

  /** Nobody wants it any more: it is given back now, or as soon as that can be. */
  giveBack(candidate: Candidate): void {
    this.#unwanted.add(candidate);
    // What it asks for now is heard first.
    if (!candidate.isAsking) this.#give(candidate).catch(() => {});
  }

  /** Gives back what was not given back yet; rejects where that fails. */
  async giveAllBack(): Promise<void> {
    const idle = [...this.#unwanted].filter(({ isAsking }) => !isAsking);
    await Promise.all(idle.map((each) => this.#give(each)));
  }

  /** Deletes its node: whether it was there. Rejects when it cannot be known. */
  async remove(candidate: Candidate, connection: Connection): Promise<boolean> {
    const { node, folder, claim, isAlone, isBroken } = candidate;
    if (node === undefined) return false;
    // Who asked for it learns that it is given, and did not end by itself.
    if (isBroken)
      connection.setData(node, writeRecord(claim.request.info, "given")).catch(() => {});
    const left = isAlone ? this.#folders.leave(folder, numberOf(node), connection) : undefined;
    const deleted = await connection.delete(node).then(() => true, allow(noNode));
    if (deleted) left?.();
    return deleted ?? false;
  }

  async #step(candidate: Candidate, connection: Connection): Promise<void> {
    const { claim, folder } = candidate;
    const contenders = await this.#find(candidate, connection);
    const node = candidate.node?.slice(folder.length + 1);
    const own = contenders.find((each) => each.node === node);
    // It was removed: it has to enter the line again.
    if (!own) return void (candidate.isStale = true);
    if (!this.#wishes.has(candidate)) return;
    const blocker = blockerOf(own, contenders);
    if (!blocker) {
      candidate.isAlone = contenders.length === 1 && !own.shared;
      return claim.grant(String(candidate.token));
    }
    if (!claim.request.wait) {
      this.#wishes.drop(candidate);
      return claim.refuse({ busy: true });
    }
    candidate.blocker = `${folder}/${blocker.node}`;
    const isTold = this.#followed.awaits(candidate, contenders.length, connection);
    if (isTold && !candidate.isLate) return;
    candidate.isLate = false;
    const seen = connection.data(candidate.blocker, candidate.wake);
    // Who was before it is gone since.
    if (!(await seen.catch(allow(noNode)))) candidate.isStale = true;
  }

  /** Sees to it that it has a node, and lists its lock's folder after that. */
  async #find(candidate: Candidate, connection: Connection): Promise<readonly Contender[]> {
    const { folder } = candidate;
    if (candidate.node !== undefined || candidate.isDoubtful) {
      const contenders =
        this.#followed.contenders(folder, connection) ?? (await contendersIn(folder, connection));
      await this.#adopt(candidate, contenders, connection);
      if (candidate.node !== undefined) return contenders;
    }
    for (;;) {
      try {
        return await this.#enter(candidate, connection);
      } catch (error) {
        if (codeOf(error) !== noNode) throw error;
        await this.#folders.make(connection, folder);
      }
    }
  }

  async #enter(candidate: Candidate, connection: Connection): Promise<readonly Contender[]> {
    const { claim, folder } = candidate;
    const { owner, mode, info } = claim.request;
    const path = `${folder}/${beginningOf(owner, mode)}`;
    this.#folders.use(folder, connection);
    const first = this.#folders.takeFirst(folder);
    const isFollowed = this.#followed.contenders(folder, connection) !== undefined;
    candidate.isDoubtful = true;
    const made = connection.create(path, writeRecord(info), ephemeralSequential);
    // In the same go, unless it will hardly be needed: it is answered after that, with the node in it.
    const isListed = first === undefined && !isFollowed;
    const listed = isListed ? connection.children(folder) : undefined;
    listed?.catch(() => {});
    try {
      const { path: node, czxid } = await made;
      Object.assign(candidate, { node, token: czxid, isDoubtful: false });
      const name = node.slice(folder.length + 1);
      if (first !== undefined && numberOf(node) === first) return contendersOf([name]);
      if (isFollowed) {
        // What is before it was told before the answer.
        const contenders = this.#followed.contenders(folder, connection);
        if (contenders?.some((each) => each.node === name)) return contenders;
        this.#followed.end(folder);
      }
    } catch (error) {
      candidate.isDoubtful = !isAnswer(error);
      throw error;
    }
    return contendersOf(await (listed ?? connection.children(folder)));
  }

  /** Finds the node of which we have not heard; one of an earlier session is not ours. */
  async #adopt(
    candidate: Candidate,
    contenders: readonly Contender[],
    connection: Connection,
  ): Promise<void> {
    const { claim, folder, node } = candidate;
    const beginning = beginningOf(claim.request.owner, claim.request.mode);
    candidate.node = undefined;
    for (const contender of contenders.filter((each) => each.node.startsWith(beginning))) {
      const path = `${folder}/${contender.node}`;
      if (path === node) return void (candidate.node = node);
      const stat = await connection.exists(path);
      if (stat?.owner !== connection.session.id) continue;
      Object.assign(candidate, { node: path, token: stat.czxid });
    }
    candidate.isDoubtful = false;
  }

  async #give(candidate: Candidate): Promise<void> {
    const { connection } = this.#link;
    const { folder, blocker, wake } = candidate;
    if (blocker !== undefined) connection.unwatch(blocker, wake);
    this.#followed.forget(candidate);
    if (candidate.isDoubtful) {
      await this.#adopt(candidate, await contendersIn(folder, connection), connection);
    }
    await this.remove(candidate, connection);
    this.#unwanted.delete(candidate);
  }

  #failed(candidate: Candidate, error: unknown): void {
    const { claim } = candidate;
    const refusal = refusalOf(error);
    // Maybe it was done. Whoever waits goes on by the next connection, or beat.
    candidate.isStale = true;
    if (this.#wishes.has(candidate) && (refusal || !claim.request.wait)) {
      this.#wishes.drop(candidate);
      claim.fail(refusal ?? noAnswer(error));
    }
  }
}

async function contendersIn(folder: string, connection: Connection): Promise<readonly Contender[]> {
  return contendersOf((await connection.children(folder).catch(allow(noNode))) ?? []);
}
