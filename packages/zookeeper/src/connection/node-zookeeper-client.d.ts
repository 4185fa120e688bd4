/** Of the package, what we use, its insides included: see javascript.ts. */
declare module "node-zookeeper-client" {
  import type { EventEmitter } from "node:events";
  import type { Socket } from "node:net";

  export interface Acl {
    readonly permission: number;
  }

  export interface Stat {
    /** Eight bytes, as all that is longer than 32 bits. */
    readonly czxid: Buffer;
    readonly ctime: Buffer;
    readonly ephemeralOwner: Buffer;
    readonly dataLength: number;
  }

  export interface WatchEvent {
    readonly type: number;
  }

  type Watcher = (event: WatchEvent) => void;
  type Callback<Values extends unknown[]> = (error: Error | null, ...values: Values) => void;

  /** One connection at a time of one session. */
  export interface Manager extends EventEmitter {
    socket: Socket;
    /** Of the last answer. */
    zxid: Buffer;
    connect(): void;
    setState(state: number): void;
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    getSessionTimeout(): number;
    onSocketConnected(): void;
    onSocketData(bytes: Buffer): void;
    onSocketDrain(): void;
    onSocketClosed(): void;
  }

  export interface Client extends EventEmitter {
    readonly connectionManager: Manager;
    connect(): void;
    close(): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(
      path: string,
      data: Buffer,
      acl: Acl[],
      mode: number,
      callback: Callback<[path: string]>,
    ): void;
    remove(path: string, callback: Callback<[]>): void;
    setData(path: string, data: Buffer, callback: Callback<[stat: Stat]>): void;
    exists(path: string, callback: Callback<[stat: Stat | null]>): void;
    getData(
      path: string,
      watcher: Watcher | undefined,
      callback: Callback<[data: Buffer | undefined, stat: Stat]>,
    ): void;
    getACL(
      path: string,
      callback: Callback<[{ permission: number; id: { scheme: string; id: string } }[]]>,
    ): void;
    getChildren(
      path: string,
      callback: Callback<[children: string[], stat: { cversion: number; numChildren: number }]>,
    ): void;
  }

  const library: {
    createClient(
      connectionString: string,
      options: {
        sessionTimeout?: number;
        spinDelay?: number;
        sessionId?: Buffer;
        sessionPassword?: Buffer;
      },
    ): Client;
    readonly ACL: { readonly OPEN_ACL_UNSAFE: Acl[]; readonly CREATOR_ALL_ACL: Acl[] };
  };
  export default library;
}
