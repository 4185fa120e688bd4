import { systemClock, type Clock } from "@coord/core/driver";
import { noop } from "cockatiel";
import {
  Etcd3,
  type CallContext,
  type ILeaseTimeToLiveResponse,
  type IOptions,
  type IRangeRequest,
  type IRangeResponse,
  type ITxnRequest,
  type ITxnResponse,
} from "etcd3";
import { Deletions } from "./deletions.js";
import { isUndone } from "./failures.js";
import type { Target } from "./target.js";
import { oldToken, withToken } from "./token.js";
import { Watches } from "./watches.js";
import { Window } from "./window.js";

/** How many requests are at the server at once; beats do not count, and do not wait. */
const atOnce = 64;

export interface ConnectionOptions {
  readonly target: Target;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  /** How long the first answers of a member may take. */
  readonly connectWithin: number;
  /** It broke, or did not answer in time; what was asked may have been done. It may be told twice. */
  readonly lost: (error: unknown) => void;
}

/** After how many milliseconds gRPC is to connect again. */
const never = 24 * 3_600_000;

// What tells connections apart to gRPC, which shares one between all with the same options.
let connections = 0;

/**
 * A connection to one member of a cluster: etcd3's client, which neither asks again by itself nor
 * looks for another member. Every call has a deadline, and rejects at once when the connection is closed.
 */
export class Connection {
  readonly watches: Watches;
  readonly deletions: Deletions;
  readonly #options: ConnectionOptions;
  readonly #turns = new Window(atOnce);
  readonly #pending = new Set<(error: unknown) => void>();
  #client: Etcd3;
  #token = "";
  #login: Promise<void> | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#next();
    this.watches = new Watches(
      () => this.#client.watchClient.watch(),
      () => options.clock.now(),
      (error) => this.#lost(error),
    );
    this.deletions = new Deletions(this.watches);
  }

  /** Tries one member after the other, each once, until one is greeted; rejects with the last one's failure. */
  async open(greet: () => Promise<void>): Promise<void> {
    for (let left = this.#options.target.endpoints.length; ; left--) {
      try {
        await this.#logIn();
        await greet();
        this.#isOpen = true;
        return;
      } catch (error) {
        if (left <= 1 || this.#isClosed) throw error;
        // With what the member was to tell.
        this.watches.close();
        this.deletions.forget();
        this.#client.close();
        this.#client = this.#next();
      }
    }
  }

  async #logIn(): Promise<void> {
    const { user } = this.#options.target;
    if (!user) return;
    const { auth } = this.#client;
    const { name, password } = user;
    const { token } = await auth.authenticate({ name, password });
    this.#token = token;
  }

  /** Once for all whose token is old; a stream keeps the one that it began with. */
  async #logInAnew(old: string): Promise<void> {
    if (this.#token !== old) return;
    this.#login ??= this.#logIn()
      .then(() => this.watches.renew())
      .finally(() => (this.#login = undefined));
    await this.#login;
  }

  txn(request: ITxnRequest): Promise<ITxnResponse> {
    return this.#call(() => this.#client.kv.txn(request), this.#turns);
  }

  range(request: IRangeRequest): Promise<IRangeResponse> {
    return this.#call(() => this.#client.kv.range(request), this.#turns);
  }

  /** Rejects where the lease is gone. @returns the revision */
  async put(key: Buffer, value: Buffer, lease: string): Promise<string> {
    const { header } = await this.#call(() => this.#client.kv.put({ key, value, lease }));
    return header.revision;
  }

  /** @returns the ttl the server chose, in milliseconds */
  async grant(id: string, ttl: number): Promise<number> {
    const request = { ID: id, TTL: Math.ceil(ttl / 1000) };
    const { TTL } = await this.#call(() => this.#client.leaseClient.leaseGrant(request));
    return Number(TTL) * 1000;
  }

  /** @returns the ttl that begins anew, in milliseconds; 0 where the lease is gone */
  keepAlive(id: string): Promise<number> {
    return this.#call(async () => {
      const stream = await this.#client.leaseClient.leaseKeepAlive(this.#deadline());
      return new Promise<number>((resolve, reject) => {
        stream
          .on("data", ({ TTL }) => resolve(Number(TTL) * 1000))
          .on("error", reject)
          .on("end", () => reject(new Error("etcd ended the stream of a beat.")));
        // As one request: a stream that stays open would keep the process running.
        stream.write({ ID: id });
        stream.end();
      });
    });
  }

  revoke(id: string): Promise<unknown> {
    return this.#call(() => this.#client.leaseClient.leaseRevoke({ ID: id }));
  }

  /** The keys that belong to a lease. */
  async keysOf(id: string): Promise<readonly Buffer[]> {
    const asked = { ID: id, keys: true };
    return (await this.#call(() => this.#client.leaseClient.leaseTimeToLive(asked))).keys;
  }

  timeToLive(id: string): Promise<ILeaseTimeToLiveResponse> {
    return this.#call(() => this.#client.leaseClient.leaseTimeToLive({ ID: id }));
  }

  close(): void {
    this.#isClosed = true;
    this.watches.close();
    this.#client.close();
    const closed = new Error("The connection to etcd was closed.");
    for (const reject of this.#pending) reject(closed);
    this.#pending.clear();
  }

  /** @param turns if it is to wait until others have been answered */
  #call<T>(ask: () => Promise<T>, turns?: Window): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      const ended = (): void => {
        this.#pending.delete(reject);
        turns?.done();
      };
      const answered = (answer: T): void => {
        ended();
        resolve(answer);
      };
      const failed = (error: unknown): void => {
        ended();
        if (!isUndone(error)) this.#lost(error);
        reject(error);
      };
      const begin = (): void => {
        if (this.#isClosed) return;
        const token = this.#token;
        ask().then(answered, (error: unknown) => {
          if (!(error instanceof Error && error.message.includes(oldToken))) return failed(error);
          // It was not done, so it can be asked again.
          this.#logInAnew(token).then(ask).then(answered, failed);
        });
      };
      if (turns) turns.enter(begin);
      else begin();
    });
  }

  #lost(error: unknown): void {
    if (this.#isOpen) this.#options.lost(error);
  }

  #next(): Etcd3 {
    const { target, endpoints } = this.#options;
    return new Etcd3({
      hosts: target.endpoints[endpoints.next(target.endpoints.length)] ?? "",
      ...(target.certificates ? { credentials: target.certificates as Certificates } : {}),
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: {
        "grpc.secondary_user_agent": `coord/${connections++}`,
        "grpc.enable_channelz": 0,
        // Not by itself: it would, a while after it failed, also when it is closed by then.
        "grpc.initial_reconnect_backoff_ms": never,
        "grpc.max_reconnect_backoff_ms": never,
      },
      defaultCallOptions: (context) => this.#callOptions(context),
    });
  }

  #callOptions({ method, isStream }: CallContext): object {
    const token =
      this.#token === "" || method === "authenticate"
        ? {}
        : { interceptors: [withToken(() => this.#token)] };
    return isStream ? token : { ...this.#deadline(), ...token };
  }

  #deadline(): { deadline: number } {
    const { within, connectWithin } = this.#options;
    // gRPC's deadlines are instants of the machine's own clock.
    return { deadline: systemClock.wall() + (this.#isOpen ? within : connectWithin) };
  }
}

/** Whose turn it is: of one session, so that after one member the next is tried. */
export class Endpoints {
  #last = -1;

  next(count: number): number {
    this.#last = (this.#last + 1) % count;
    return this.#last;
  }
}

type Certificates = NonNullable<IOptions["credentials"]>;
