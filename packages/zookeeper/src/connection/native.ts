import { isMainThread } from "node:worker_threads";
import { CoordError, type Clock } from "@coord/core/driver";
import type {
  Connection,
  ConnectionOptions,
  Connector,
  Identity,
  Made,
  Stat,
  Watcher,
} from "./connection.js";
import { connectionLoss, Failure, isAnswer, noAnswer, sessionExpired } from "./failures.js";
import { connected, loadNative, NativeHandle } from "./native-handle.js";
import type { NativeStat, ZooKeeper } from "./native-library.js";
import { Needs } from "./needs.js";
import type { Target } from "./target.js";
import { Watchdog } from "./watchdog.js";

/** The library's numbers: the kind of an event, what an event is about. */
const [ofSession, deleted] = [-1, 2];
/** How long beginning another one may take at least: there is nothing that would be lost by waiting. */
const wakeWithin = 2_000;

/** Connects by the library named zookeeper, which is C; where that is installed. Rejects COORD_BAD_OPTION for what it cannot do. */
export async function connectByNative(target: Target): Promise<Connector> {
  if (target.tls || target.digest !== undefined) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      "client=native speaks no TLS and makes no nodes of a user's own. Leave it out where there is a user or use_ssl.",
    );
  }
  if (!isMainThread) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      "client=native is not for worker threads: one that is ended would end the process. Leave it out there.",
    );
  }
  const handle = new NativeHandle(await loadNative(), target);
  return {
    make: (options) => new NativeConnection(handle, options),
    close: () => handle.close(),
  };
}

/**
 * For as long as the library is connected and answers. It keeps the process running, so while there is
 * nothing that needs the session, neither node nor watch, that is ended, and the next question begins another.
 */
class NativeConnection implements Connection {
  readonly #handle: NativeHandle;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #watchdog: Watchdog;
  readonly #rejects = new Set<(error: Error) => void>();
  readonly #needs: Needs;
  #isOpen = false;
  #isClosed = false;
  #identity: Identity | undefined;
  #unlisten = (): void => {};
  #settled = (): void => {};
  #waking: Promise<void> | undefined;
  readonly mayRest = false;
  timeout = 0;
  askedAt = 0;

  constructor(handle: NativeHandle, options: ConnectionOptions) {
    this.#handle = handle;
    this.#options = options;
    this.#clock = options.clock;
    this.#watchdog = new Watchdog(options.clock, options.patience, (ms) =>
      this.#break(new Error(`Nothing was answered for ${Math.round(ms)} ms.`)),
    );
    this.#needs = new Needs({
      clock: options.clock,
      isAsking: () => this.#rejects.size > 0,
      rest: () => {
        if (this.#isClosed) return;
        this.#unlisten();
        this.#handle.drop();
      },
    });
  }

  async open(session: Identity | undefined): Promise<void> {
    if (session && !this.#handle.isThere) {
      throw new Failure(sessionExpired, "The session is over.");
    }
    this.askedAt = this.#clock.now();
    await this.#connect(this.#options.patience(), session !== undefined);
    this.#isOpen = true;
    // That it is connected says little: what was asked before may be under way still.
    if (session) await this.exists("/");
  }

  get session(): Identity {
    if (!this.#identity) throw noAnswer(undefined);
    return this.#identity;
  }

  get isResting(): boolean {
    return !this.#handle.isThere && this.#needs.isIdle;
  }

  async create(path: string, data: Buffer, mode: number): Promise<Made> {
    const isKept = mode !== 0;
    if (isKept) this.#needs.add(path);
    try {
      const made = await this.#ask<string>((zk, done) => zk.a_create(path, data, mode, done));
      if (!isKept) return { path: made, czxid: 0n };
      this.#needs.delete(path);
      this.#needs.add(made);
      const stat = await this.exists(made);
      return { path: made, czxid: stat?.czxid ?? 0n };
    } catch (error) {
      if (isAnswer(error)) this.#needs.delete(path);
      throw error;
    } finally {
      this.#needs.restSoon();
    }
  }

  async delete(path: string): Promise<void> {
    try {
      await this.#ask<void>((zk, done) => zk.a_delete_(path, -1, done));
      this.#needs.delete(path);
    } catch (error) {
      if (isAnswer(error)) this.#needs.delete(path);
      throw error;
    } finally {
      this.#needs.restSoon();
    }
  }

  async setData(path: string, data: Buffer): Promise<void> {
    await this.#ask<void>((zk, done) => zk.a_set(path, data, -1, done));
  }

  async exists(path: string): Promise<Stat | undefined> {
    const stat = await this.#ask<NativeStat | undefined>((zk, done) =>
      zk.a_exists(path, false, (code, error, found) =>
        done(code === -101 ? 0 : code, error, found ?? undefined),
      ),
    );
    return stat && statOf(stat);
  }

  async data(path: string, watcher?: Watcher): Promise<{ data: Buffer; stat: Stat }> {
    const hear = (type: number): void => {
      if (type === ofSession || !this.#needs.delete(watcher)) return;
      watcher?.(type === deleted ? "deleted" : "changed");
      this.#needs.restSoon();
    };
    if (watcher) this.#needs.add(watcher);
    try {
      return await this.#ask<{ data: Buffer; stat: Stat }>((zk, done) => {
        const read = (code: number, error: string, stat: NativeStat, data: Buffer | null): void => {
          if (code !== 0) return done(code, error, undefined as never);
          done(code, error, { data: data ?? Buffer.alloc(0), stat: statOf(stat) });
        };
        if (watcher) zk.aw_get(path, hear, read);
        else zk.a_get(path, false, read);
      });
    } catch (error) {
      this.#needs.delete(watcher);
      throw error;
    }
  }

  unwatch(_: string, watcher: Watcher): void {
    this.#needs.delete(watcher);
    this.#needs.restSoon();
  }

  children(path: string): Promise<readonly string[]> {
    return this.#ask<readonly string[]>((zk, done) => zk.a_get_children(path, false, done));
  }

  /** The library does not know how. */
  follow(): void {}

  unfollow(): void {}

  /** The library does not wait for the server's word, so nodes are deleted one by one. */
  async end(): Promise<void> {
    while (this.#rejects.size > 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#settled = resolve));
    }
    await Promise.allSettled(this.#needs.nodes.map((node) => this.delete(node)));
    this.#handle.drop();
    this.close();
  }

  close(): void {
    this.#break(undefined);
  }

  /** Waits until the library is connected, for so many milliseconds. */
  async #connect(within: number, isOld: boolean): Promise<void> {
    if (this.#isClosed) throw noAnswer(undefined);
    const { clock, timeout } = this.#options;
    await this.#handle.connected({ clock, timeout, within, isOld }, (zk) => this.#follow(zk));
  }

  #follow(zk: ZooKeeper): void {
    this.#unlisten();
    this.#identity = {
      id: BigInt.asIntN(64, BigInt(`0x${zk.client_id}`)),
      password: Buffer.from(zk.client_password, "hex"),
    };
    this.timeout = zk.timeout;
    const broken = (): void => this.#break(new Error("The connection broke."));
    zk.on("connecting", broken).on("close", broken);
    this.#unlisten = () => void zk.off("connecting", broken).off("close", broken);
  }

  #ask<T>(
    ask: (zk: ZooKeeper, done: (code: number, error: string, answer: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const zk =
        this.#isOpen && !this.#isClosed ? this.#handle.client(this.#options.timeout) : undefined;
      if (!zk) return reject(noConnection());
      this.#needs.stay();
      this.#rejects.add(reject);
      const send = (): void => {
        if (this.#isClosed) return;
        this.#watchdog.asked();
        ask(zk, (code, error, answer) => {
          if (!this.#rejects.delete(reject)) return;
          this.#watchdog.answered();
          if (code === 0) resolve(answer);
          else reject(new Failure(code, error));
          this.#settled();
          this.#needs.restSoon();
        });
      };
      if (zk.state === connected) return send();
      // It was idle, and begins anew.
      const within = Math.max(this.#options.patience(), wakeWithin);
      this.#waking ??= this.#connect(within, true).finally(() => (this.#waking = undefined));
      this.#waking.then(send, (error: unknown) => this.#break(error));
    });
  }

  #break(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#needs.stay();
    this.#unlisten();
    const rejects = [...this.#rejects];
    this.#rejects.clear();
    for (const reject of rejects) reject(noConnection());
    this.#settled();
    if (this.#isOpen && error !== undefined) this.#options.lost(error);
  }
}

function statOf({ czxid, ctime, ephemeralOwner, dataLength }: NativeStat): Stat {
  return {
    czxid: BigInt(czxid),
    ctime: ctime.getTime(),
    owner: BigInt.asIntN(64, BigInt(`0x${ephemeralOwner}`)),
    dataLength,
  };
}

function noConnection(): Failure {
  return new Failure(connectionLoss, "There is no connection.");
}
