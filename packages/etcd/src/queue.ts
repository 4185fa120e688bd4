import type { AcquireRequest, HolderInfo, Link } from "@coord/core/driver";
import type { IKeyValue, IRangeRequest, IRequestOp, ICompare } from "etcd3";
import type { Connection } from "./connection/connection.js";
import type { Keys, KeyRange, Spot } from "./keys.js";

/** What a key of ours says: since when, and whether it is to be given up. */
interface Stored extends Omit<HolderInfo, "since" | "token"> {
  readonly since: number;
  readonly asked?: true;
}

/** Somebody in a line, in it since a revision. */
export interface Entry {
  readonly key: Buffer;
  readonly revision: string;
  readonly lease: string;
  readonly stored: Stored;
  readonly info: HolderInfo;
}

/** Where a request stands: at a revision, before it a rival or nobody. */
export interface Standing {
  readonly revision: string;
  /** Undefined: it is its turn. */
  readonly rival: Buffer | undefined;
}

/** What becomes of a request to enter. */
export type Entered =
  | Standing
  /** It has been there since the revision: an earlier request was done. */
  | { readonly since: string }
  | "busy"
  /** A newer connection of the session has said that nothing of this one is to be done any more. */
  | "superseded";

/** What is asked and said of lines: each is one round trip, and is done or not done as a whole. */
export class Queue {
  readonly #keys: Keys;
  readonly #link: Link<Connection>;
  readonly #lease: string;
  readonly #now: () => number;
  #fence = "0";

  constructor(
    keys: Keys,
    link: Link<Connection>,
    { lease, now }: { lease: string; now: () => number },
  ) {
    this.#keys = keys;
    this.#link = link;
    this.#lease = lease;
    this.#now = now;
  }

  /**
   * Has the server do nothing any more of what was asked by earlier connections of the session and
   * may still be on its way. Rejects where the lease is gone.
   */
  async begin(connection: Connection): Promise<void> {
    this.#fence = await connection.put(this.#keys.session(this.#lease), mark, this.#lease);
  }

  /** Puts its key at the end of the line; one that does not want to wait, only if nobody is in its way. */
  async enter(request: AcquireRequest, spot: Spot): Promise<Entered> {
    const { info, wait } = request;
    const { key, rivals } = spot;
    const fence = this.#fence;
    const lease = this.#lease;
    const session = this.#keys.session(lease);
    const compare: ICompare[] = [
      equal("Mod", session, fence),
      equal("Create", key, "0"),
      ...(wait ? [] : [{ ...equal("Create", rivals.key, "0"), range_end: rivals.range_end }]),
    ];
    const value = encode({ ...info, since: this.#now() });
    const put: IRequestOp = { request_put: { key, value, lease } };
    const success = wait ? [{ request_range: last(rivals) }, put] : [put];
    const failure = [
      { request_range: { key, keys_only: true } },
      { request_range: { key: session, keys_only: true } },
    ];
    const { succeeded, header, responses } = await this.#link.connection.txn({ compare, success, failure });
    if (succeeded) {
      const rival = wait ? responses[0]?.response_range.kvs[0] : undefined;
      return { revision: header.revision, rival: rival?.key };
    }
    const [mine, begun] = responses.map(({ response_range: { kvs } }) => kvs[0]);
    if (mine) return { since: mine.create_revision };
    if (begun?.mod_revision === fence) return "busy";
    // A new connection of ours has begun meanwhile.
    return fence === this.#fence ? "superseded" : this.enter(request, spot);
  }

  /** Reads where it stands now; undefined: its key is gone. `asked`: it is to be given up. */
  async look(
    { key, rivals }: Spot,
    revision: string,
  ): Promise<(Standing & { asked: boolean; at: string }) | undefined> {
    const before = { ...last(rivals), max_create_revision: String(BigInt(revision) - 1n) };
    const { header, responses } = await this.#link.connection.txn({
      success: [{ request_range: { key } }, { request_range: before }],
    });
    const [mine, rival] = responses.map(({ response_range: { kvs } }) => kvs[0]);
    if (mine?.create_revision !== revision) return undefined;
    const asked = decode(mine.value).asked ?? false;
    return { revision, rival: rival?.key, asked, at: header.revision };
  }

  /** Gives up what is held since a revision; whether it was there. */
  async leave(connection: Connection, { key }: { key: Buffer }, revision: string): Promise<boolean> {
    const { succeeded } = await connection.txn({
      compare: [equal("Create", key, revision)],
      success: [{ request_delete_range: { key } }],
    });
    return succeeded;
  }

  /** All in line for a name, first come first. */
  async all(name: string): Promise<Entry[]> {
    const range = { ...this.#keys.line(name), ...inOrder };
    const { kvs } = await this.#link.connection.range(range);
    return kvs.map((kv) => this.#entry(name, kv));
  }

  /** Asks a holder to give it up, or takes it. */
  async ask({ key, revision, stored }: Entry): Promise<void> {
    const value = encode({ ...stored, asked: true });
    await this.#link.connection.txn({
      compare: [equal("Create", key, revision)],
      success: [{ request_put: { key, value, ignore_lease: true } }],
    });
  }

  #entry(name: string, { key, create_revision: revision, lease, value }: IKeyValue): Entry {
    const stored = decode(value);
    const { asked: _, since, ...info } = stored;
    const { shared } = this.#keys.read(name, key);
    return { key, revision, lease, stored, info: { ...info, ...(since > 0 ? { since: new Date(since) } : {}), shared, token: BigInt(revision) } };
  }
}

const mark = Buffer.alloc(0);
const inOrder = { sort_target: "Create", sort_order: "Ascend" } as const;

function last(range: KeyRange): IRangeRequest {
  return { ...range, sort_target: "Create", sort_order: "Descend", limit: 1, keys_only: true };
}

function equal(target: "Create" | "Mod", key: Buffer, revision: string): ICompare {
  const what = target === "Create" ? { create_revision: revision } : { mod_revision: revision };
  return { result: "Equal", target, key, ...what };
}

function encode(stored: object): Buffer {
  return Buffer.from(JSON.stringify(stored));
}

/** Of a key that is none of ours, too. */
function decode(value: Buffer): Stored {
  try {
    const stored = JSON.parse(value.toString()) as Stored;
    if (typeof stored.member === "string") return stored;
  } catch {
    // As below.
  }
  return { member: "unknown", since: 0 };
}
