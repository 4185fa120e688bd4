import type { Claim } from "@coord/core/driver";
import type { Connection, Watcher } from "./connection/connection.js";

/** A claim and the node that stands for it in its lock's folder. */
export class Candidate {
  readonly claim: Claim;
  readonly folder: string;
  /** The node's path, once it is known. */
  node: string | undefined;
  /** The number of the change that made the node. */
  token = 0n;
  /** Whether there may be a node of which we have not heard. */
  isDoubtful = false;
  /** Whether something is being asked for it. */
  isAsking = false;
  /** Whether it has to be looked at once more, now or by the next beat. */
  isStale = false;
  /** Whether it was granted for itself when nobody else was there. */
  isAlone = false;
  /** Told to give back what it holds. */
  isBroken = false;
  /** The connection by which its own node is watched. */
  watchedBy: Connection | undefined;
  /** Whether it has waited for so long that it is to watch by itself, whatever is told. */
  isLate = false;
  /** What is watched because it is waited for. */
  blocker: string | undefined;
  /** Called when that changes. */
  readonly wake: Watcher;

  constructor(claim: Claim, folder: string, wake: (candidate: Candidate) => void) {
    this.claim = claim;
    this.folder = folder;
    this.wake = () => wake(this);
  }
}
