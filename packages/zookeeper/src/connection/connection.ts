import type { Clock } from "@coord/core/driver";

/** How a node is made. The numbers are those of ZooKeeper's protocol. */
export const persistent = 0;
export const ephemeral = 1;
export const ephemeralSequential = 3;

/** What is known of a node. */
export interface Stat {
  /** The number of the change that made it. */
  readonly czxid: bigint;
  /** When it was made, by the server's clock. */
  readonly ctime: number;
  /** The session it ends with; 0 for none. */
  readonly owner: bigint;
  readonly dataLength: number;
}

export interface Made {
  /** With its number, where it has one. */
  readonly path: string;
  readonly czxid: bigint;
}

/** What happened to a node that is watched, once. */
export type Watcher = (event: "changed" | "deleted") => void;

/** Is told of a folder that is followed. */
export interface Follower {
  /**
   * What is in it, and how many nodes were ever made in it, modulo 2^31; all that happens after that is
   * told, but nothing of nodes that we may not read. Not called where that cannot be.
   */
  began(children: readonly string[], made: number): void;
  made(child: string): void;
  deleted(child: string): void;
}

/** Who we are to the servers, over all connections of a session. */
export interface Identity {
  readonly id: bigint;
  readonly password: Buffer;
}

/**
 * One connection to one of the servers, for a session of ours: a client library behind the few calls
 * that a lock takes. What is asked is done in the order in which it is asked, or not at all. A call
 * rejects with what `codeOf()` reads: as `connectionLoss` when the connection broke before the answer,
 * and then what was asked may have been done. Nothing of it is done later by another connection.
 */
export interface Connection {
  /** Connects to one of the servers, going on with the session or, without one, beginning it. */
  open(session: Identity | undefined): Promise<void>;
  /** The session, once open. */
  readonly session: Identity;
  /** After how many milliseconds without a word of us the servers end the session, once open. */
  readonly timeout: number;
  /** Whether nodes of the session may stay when nothing is held: elsewhere they keep the process running. */
  readonly mayRest: boolean;
  /** Whether nothing of ours is at the servers, not even the session, so that there is nothing to be lost. */
  readonly isResting: boolean;
  /** When the connection was asked for that is open now, by the clock. */
  readonly askedAt: number;
  create(path: string, data: Buffer, mode: number): Promise<Made>;
  delete(path: string): Promise<void>;
  setData(path: string, data: Buffer): Promise<void>;
  exists(path: string): Promise<Stat | undefined>;
  data(path: string, watcher?: Watcher): Promise<{ readonly data: Buffer; readonly stat: Stat }>;
  /** The watcher is told nothing any more. */
  unwatch(path: string, watcher: Watcher): void;
  children(path: string): Promise<readonly string[]>;
  /** From now on each node that is made or deleted in a folder is told, in order with all answers, where client and servers can. */
  follow(folder: string, follower: Follower): void;
  unfollow(folder: string): void;
  /** Ends the session, and the connection with it. Resolves when the server has said so, or the connection broke. */
  end(): Promise<void>;
  /** Breaks it: nothing comes by it any more, and the session stays, until its time is over. */
  close(): void;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  /** How long it may take that nothing is answered, and that it is connected, in milliseconds, as things stand. */
  readonly patience: () => number;
  /** What to ask for as the session's timeout. */
  readonly timeout: number;
  /** It broke. */
  readonly lost: (error: unknown) => void;
}

/** Makes the connections of one session. */
export interface Connector {
  /** One that is not open yet. */
  make(options: ConnectionOptions): Connection;
  /** Nothing goes on any more, with the session or without. */
  close(): void;
}
