import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { CoordError, type Clock } from "@coord/core/driver";
import { Failure, noAnswer, sessionExpired } from "./failures.js";
import type { NativeLibrary, ZooKeeper } from "./native-library.js";
import type { Target } from "./target.js";

/** The library's number of a state. */
export const connected = 3;

interface Waiting {
  readonly clock: Clock;
  /** As the session is to have it, in milliseconds. */
  readonly timeout: number;
  /** How long it may take, in milliseconds. */
  readonly within: number;
  /** Whether it is to go on with the session there is, also when it is not connected in time. */
  readonly isOld: boolean;
}

/** The session as the library has it, over as many connections as it makes. */
export class NativeHandle {
  readonly #library: NativeLibrary;
  readonly #target: Target;
  #client: ZooKeeper | undefined;
  #isClosed = false;

  constructor(library: NativeLibrary, target: Target) {
    this.#library = library;
    this.#target = target;
  }

  /** The client there is, or a new one; undefined when nothing is to go on any more. */
  client(timeout: number): ZooKeeper | undefined {
    if (this.#isClosed) return undefined;
    if (this.#client) return this.#client;
    const connect = this.#target.servers.map(({ host, port }) => `${host}:${port}`).join(",");
    const client = new this.#library(connect);
    client.on("error", () => {});
    client.once("close", () => this.#forget(client));
    client.init({
      connect,
      timeout,
      debug_level: 0,
      host_order_deterministic: true,
      // It would take a connection that is slow to be made for the end of the session.
      response_counter_limit: 2 ** 30,
    });
    return (this.#client = client);
  }

  /** Waits until it is connected, and has `ready` called in that moment. */
  connected(
    { clock, timeout, within, isOld }: Waiting,
    ready: (zk: ZooKeeper) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const zk = this.client(timeout);
      if (!zk) return reject(noAnswer(undefined));
      const settle = (outcome: () => void) => (): void => {
        timer.cancel();
        zk.off("connect", isReady).off("close", isOver);
        outcome();
      };
      const isReady = settle(() => {
        ready(zk);
        resolve();
      });
      const isOver = settle(() => reject(new Failure(sessionExpired, "The session is over.")));
      const isLate = settle(() => {
        if (!isOld) this.drop();
        reject(noAnswer(new Error("Not connected in time.")));
      });
      const timer = clock.timer(within, isLate);
      zk.on("connect", isReady).on("close", isOver);
      if (zk.state === connected) isReady();
    });
  }

  /** Whether there is one. */
  get isThere(): boolean {
    return this.#client !== undefined;
  }

  /** Ends the session if it is connected; else the servers do. */
  drop(): void {
    const client = this.#client;
    if (client) this.#forget(client);
    client?.close();
  }

  /** For good. */
  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  #forget(client: ZooKeeper): void {
    if (this.#client === client) this.#client = undefined;
  }
}

/** The library, from beside this package or beside the program. Rejects COORD_BAD_OPTION where it is not. */
export async function loadNative(): Promise<NativeLibrary> {
  const program = process.argv[1];
  const places = [import.meta.url, ...(program ? [pathToFileURL(program).href] : [])];
  for (const place of places) {
    try {
      const url = pathToFileURL(createRequire(place).resolve("zookeeper")).href;
      return ((await import(url)) as { default: NativeLibrary }).default;
    } catch {
      // Not there, or not built for this Node.
    }
  }
  throw new CoordError(
    "COORD_BAD_OPTION",
    'client=native needs the package "zookeeper", built for this Node. Run "npm install zookeeper", with a compiler at hand, or leave the option out.',
  );
}
