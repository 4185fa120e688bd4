import type { AcquireRequest, BreakOptions, Link } from "@coord/core/driver";
import { Batches, type Part, type Question } from "./batches.js";
import type { Connections } from "./connection/connect.js";
import type { Script } from "./connection/script.js";
import type { Keys } from "./keys.js";
import type { Owners } from "./owners.js";
import { scripts } from "./scripts.js";

/** Of how many locks one script renews the holds: the server does nothing else meanwhile. */
const renewedAtOnce = 500;

/** What the acquiring script answers: the token of what is held, else why it is not. */
export type Acquired =
  | string
  | readonly ["wait", recheckAfter: number]
  | readonly ["busy", holders: readonly Entry[]];

/** Somebody who holds or waits, as the scripts tell of them. */
export type Entry = readonly [
  /** As the server calls it: see `Owners`. */
  owner: string,
  mode: "x" | "s",
  since: string,
  token: string,
  info: string,
];

/** How an owner stands: held, to be given back because of a break, claimed, next, waiting behind, gone. */
export type Letter = "h" | "b" | "c" | "n" | "w" | "g";

type Owned = Pick<AcquireRequest, "owner" | "name">;

/** The scripts, as one session calls them. Each is one round trip, and is done or not done as a whole. */
export class Server {
  readonly #link: Link<Connections>;
  readonly #keys: Keys;
  readonly #owners: Owners;
  readonly #batches: Batches;
  readonly #session: string;
  readonly #ttl: string;
  readonly #acquiring: Question;
  readonly #releasing: Question;
  readonly #dropping: Question;

  constructor(
    link: Link<Connections>,
    keys: Keys,
    owners: Owners,
    { session, ttl, info }: { session: string; ttl: number; info: object },
  ) {
    this.#link = link;
    this.#keys = keys;
    this.#owners = owners;
    this.#batches = new Batches(() => link.connection);
    this.#session = session;
    this.#ttl = String(Math.ceil(ttl));
    const record = `${session} ${JSON.stringify(info)}`;
    this.#acquiring = {
      script: scripts.acquire,
      args: [this.#ttl, record],
      isRepeatable: true,
    };
    const releasing = { script: scripts.release, args: [this.#ttl] };
    this.#releasing = { ...releasing, isRepeatable: false };
    this.#dropping = { ...releasing, isRepeatable: true };
  }

  info(): Promise<string> {
    return this.#link.connection.commands.info();
  }

  /** @param isWanted whether somebody still waits for the answer */
  acquire({ name, owner, mode, wait }: AcquireRequest, isWanted: () => boolean): Promise<Acquired> {
    const how = (mode === "shared" ? "s" : "x") + (wait ? "1" : "0");
    const keys = this.#keys.of(name);
    const left = this.#owners.previousNameOf(owner);
    if (left !== undefined) {
      // What it was granted and never heard of would keep us waiting. Where this fails, it ends by itself.
      const part = { keys, args: [left], isWanted: always };
      this.#batches.ask(this.#dropping, part).catch(() => {});
    }
    const part = { keys, args: [this.#owners.nameOf(owner), how], isWanted };
    return this.#batches.ask(this.#acquiring, part) as Promise<Acquired>;
  }

  /** Also from the queue; 1 where it was held. */
  release(owned: Owned): Promise<0 | 1> {
    return this.#batches.ask(this.#releasing, this.#givenBack(owned)) as Promise<0 | 1>;
  }

  /** The same, whether it was held or not. */
  async drop(owned: Owned): Promise<void> {
    await this.#batches.ask(this.#dropping, this.#givenBack(owned));
  }

  /** How each of them stands, renewed if it does. */
  async renew(owned: readonly Owned[]): Promise<readonly Letter[]> {
    this.#batches.flush();
    const { commands, together } = this.#link.connection;
    if (owned.length === 0) await commands.ping();
    const atOnce = together ? renewedAtOnce : 1;
    const parts: Promise<unknown>[] = [];
    for (let from = 0; from < owned.length; from += atOnce) {
      const some = owned.slice(from, from + atOnce);
      const keys = some.flatMap(({ name }) => this.#keys.of(name));
      const owners = some.map(({ owner }) => this.#owners.nameOf(owner));
      parts.push(commands.run(scripts.renew, keys, [this.#ttl, ...owners]));
    }
    return (await Promise.all(parts)).join("").split("") as Letter[];
  }

  inspect(name: string): Promise<readonly [holders: Entry[], waiters: Entry[]]> {
    return this.#run(scripts.inspect, name, []) as Promise<[Entry[], Entry[]]>;
  }

  /** The holders it is about, and for how many milliseconds the lock may still be theirs. */
  break(name: string, options: BreakOptions): Promise<readonly [Entry[], number]> {
    const { force, token = "" } = options;
    const args = [force ? "1" : "0", String(token), this.#session, this.#ttl];
    return this.#run(scripts.break, name, args) as Promise<[Entry[], number]>;
  }

  #givenBack({ name, owner }: Owned): Part {
    return { keys: this.#keys.of(name), args: [this.#owners.nameOf(owner)], isWanted: always };
  }

  #run(script: Script, name: string, args: readonly string[]): Promise<unknown> {
    this.#batches.flush();
    try {
      return this.#link.connection.commands.run(script, this.#keys.of(name), args);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

const always = (): boolean => true;
