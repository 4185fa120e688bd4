import type { EventEmitter } from "node:events";

/** Of the optional package, which may not be there, what we use: what it tells of a node. */
export interface NativeStat {
  readonly czxid: number;
  readonly ctime: Date;
  /** In hexadecimal. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
}

type Done<Values extends unknown[]> = (code: number, error: string, ...values: Values) => void;

/** One session, over as many connections as it takes. */
export interface ZooKeeper extends EventEmitter {
  readonly state: number;
  /** In hexadecimal. */
  readonly client_id: string;
  readonly client_password: string;
  readonly timeout: number;
  init(config: {
    connect: string;
    timeout: number;
    debug_level: number;
    host_order_deterministic: boolean;
    response_counter_limit: number;
  }): void;
  close(): void;
  a_create(path: string, data: Buffer, flags: number, done: Done<[path: string]>): number;
  a_delete_(path: string, version: number, done: Done<[]>): number;
  a_set(path: string, data: Buffer, version: number, done: Done<[]>): number;
  a_exists(path: string, watch: boolean, done: Done<[stat: NativeStat | null]>): number;
  a_get(path: string, watch: boolean, done: Done<[stat: NativeStat, data: Buffer | null]>): number;
  aw_get(
    path: string,
    watcher: (type: number, state: number, path: string) => void,
    done: Done<[stat: NativeStat, data: Buffer | null]>,
  ): number;
  a_get_children(path: string, watch: boolean, done: Done<[children: string[]]>): number;
}

/** What the package is. */
export type NativeLibrary = new (config: string) => ZooKeeper;
