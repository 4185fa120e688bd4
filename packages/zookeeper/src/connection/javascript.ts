import type { Socket } from "node:net";
import library, { type Client } from "node-zookeeper-client";
import type {
  Connection,
  ConnectionOptions,
  Connector,
  Follower,
  Identity,
  Made,
  Stat,
  Watcher,
} from "./connection.js";
import { connectionLoss, Failure, noAnswer, sessionExpired } from "./failures.js";
import { Following } from "./following.js";
import { clientFor, connecting, corkForNow, giveSocket } from "./library.js";
import { longOf, madeIn, statOf } from "./longs.js";
import { dial, type Target } from "./target.js";
import { Watchdog } from "./watchdog.js";
import { Watchers } from "./watchers.js";

/** The states of the library's connection manager that matter, besides. */
const [connected, expired] = [2, -3];

/** Makes connections by node-zookeeper-client. Each opening goes on where the last one stopped in the list of servers. */
export function connectByJavaScript(target: Target): Connector {
  let turn = 0;
  const next = () => target.servers[turn++ % target.servers.length] ?? target.servers[0];
  const servers: Servers = { next, canTell: true };
  return {
    make: (options) => new JavaScriptConnection(target, servers, options),
    close: () => {},
  };
}

/** What a session knows of the servers. */
interface Servers {
  /** The one to try now. */
  readonly next: () => Target["servers"][number] | undefined;
  /** Whether they can tell of all that happens in a folder. */
  canTell: boolean;
}

/**
 * A client of the library for one connection only. The library connects anew by itself and at once,
 * notices no silence, has no TLS, and sends later what was asked when it was not connected. So the
 * socket is ours, and when it closes that is the end. All that is used of the library's insides is here and in library.ts.
 */
class JavaScriptConnection implements Connection {
  readonly #target: Target;
  readonly #servers: Servers;
  readonly #options: ConnectionOptions;
  readonly #watchdog: Watchdog;
  readonly #watchers = new Watchers();
  readonly #following: Following;
  #client!: Client;
  #socket: Socket | undefined;
  #isOpen = false;
  #isClosed = false;
  #failure: unknown;
  #ended: (() => void) | undefined;
  readonly mayRest = true;
  readonly isResting = false;
  askedAt = 0;

  constructor(target: Target, servers: Servers, options: ConnectionOptions) {
    this.#target = target;
    this.#servers = servers;
    this.#options = options;
    this.#watchdog = new Watchdog(options.clock, options.patience, (ms) =>
      this.#break(new Error(`Nothing was answered for ${Math.round(ms)} ms.`)),
    );
    this.#following = new Following({
      send: (frame) => void this.#socket?.write(frame),
      unable: () => (servers.canTell = false),
      isWatched: (path) => this.#watchers.has(path),
    });
  }

  async open(session: Identity | undefined): Promise<void> {
    for (let left = this.#target.servers.length; ; left--) {
      try {
        await this.#try(session);
        this.#isOpen = true;
        return;
      } catch (error) {
        const isLast = left <= 1 || this.#isClosed || isExpired(error);
        if (isLast) throw error;
      }
    }
  }

  get session(): Identity {
    const manager = this.#client.connectionManager;
    return { id: longOf(manager.getSessionId()), password: manager.getSessionPassword() };
  }

  get timeout(): number {
    return this.#client.connectionManager.getSessionTimeout();
  }

  create(path: string, data: Buffer, mode: number): Promise<Made> {
    const { ACL } = library;
    const acl = this.#target.digest === undefined ? ACL.OPEN_ACL_UNSAFE : ACL.CREATOR_ALL_ACL;
    return this.#ask((done) =>
      this.#client.create(path, data, acl, mode, (error, made) =>
        // The answer's own number is that of the change, and it was read a moment ago.
        done(error, () => ({ path: made, czxid: longOf(this.#client.connectionManager.zxid) })),
      ),
    );
  }

  delete(path: string): Promise<void> {
    return this.#ask((done) => this.#client.remove(path, (error) => done(error, () => {})));
  }

  setData(path: string, data: Buffer): Promise<void> {
    return this.#ask((done) => this.#client.setData(path, data, (error) => done(error, () => {})));
  }

  exists(path: string): Promise<Stat | undefined> {
    return this.#ask((done) =>
      this.#client.exists(path, (error, stat) =>
        done(error, () => (stat ? statOf(stat) : undefined)),
      ),
    );
  }

  data(path: string, watcher?: Watcher): Promise<{ data: Buffer; stat: Stat }> {
    const tell = watcher && this.#watchers.add(path, watcher);
    return this.#ask((done) =>
      this.#client.getData(path, tell, (error, data, stat) => {
        if (error && watcher) this.#watchers.refused(path, watcher);
        done(error, () => ({ data: data ?? Buffer.alloc(0), stat: statOf(stat) }));
      }),
    );
  }

  unwatch(path: string, watcher: Watcher): void {
    this.#watchers.remove(path, watcher);
  }

  children(path: string): Promise<readonly string[]> {
    return this.#ask((done) =>
      this.#client.getChildren(path, (error, children) => done(error, () => children)),
    );
  }

  follow(folder: string, follower: Follower): void {
    if (!this.#servers.canTell || !this.#isOpen || this.#isClosed) return;
    if (this.#socket) corkForNow(this.#socket);
    const followed = this.#following.begin(folder, follower);
    this.#ask((done) =>
      this.#client.getChildren(folder, (error, children, stat) => {
        // Before the next message is looked at.
        if (!error) followed.listed(children, madeIn(stat));
        done(error, () => {});
      }),
    ).catch(() => {});
  }

  unfollow(folder: string): void {
    if (this.#isOpen && !this.#isClosed) this.#following.end(folder);
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#isOpen || this.#isClosed) return resolve();
      this.#ended = resolve;
      this.#watchdog.asked();
      this.#client.close();
    });
  }

  close(): void {
    this.#break(undefined);
  }

  /** Of one server. */
  #try(session: Identity | undefined): Promise<void> {
    const { clock, timeout, patience } = this.#options;
    const server = this.#servers.next();
    return new Promise((resolve, reject) => {
      if (!server || this.#isClosed) return reject(noAnswer(this.#failure));
      const client = clientFor(this.#target, timeout, session);
      this.#client = client;
      const manager = client.connectionManager;
      giveSocket(manager, {
        dial: () =>
          (this.#socket = dial(server, this.#target, () => {
            // No earlier is a session asked for.
            this.askedAt = clock.now();
            manager.onSocketConnected();
          })),
        take: (frame) => this.#following.take(frame),
        failed: (error) => (this.#failure = error),
        closed: () => this.#closed(),
      });
      const share = patience() / this.#target.servers.length;
      const timer = clock.timer(share, () =>
        this.#socket?.destroy(new Error(`Not connected within ${Math.round(share)} ms.`)),
      );
      manager.on("state", (state: number) => {
        if (state === connecting) return;
        timer.cancel();
        if (state === connected) resolve();
        else if (state === expired) reject(new Failure(sessionExpired, "The session is over."));
        else reject(noAnswer(this.#failure));
      });
      client.connect();
    });
  }

  #closed(): void {
    if (!this.#isOpen) return;
    this.#isClosed = true;
    if (this.#ended) this.#ended();
    else this.#options.lost(this.#failure);
  }

  #ask<T>(ask: (done: (error: Error | null, answer: () => T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      // The library would send it by and by.
      if (!this.#isOpen || this.#isClosed) return reject(this.#noConnection());
      this.#watchdog.asked();
      if (this.#socket) corkForNow(this.#socket);
      ask((error, answer) => {
        this.#watchdog.answered();
        if (error) reject(error);
        else resolve(answer());
      });
    });
  }

  #noConnection(): Failure {
    return new Failure(connectionLoss, "There is no connection.", { cause: this.#failure });
  }

  #break(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failure = error ?? this.#failure;
    this.#socket?.destroy();
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof Failure && error.code === sessionExpired;
}
