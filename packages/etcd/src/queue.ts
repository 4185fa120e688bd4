import type { AcquireRequest, HolderInfo, Link } from "@coord/core/driver";
import type {
  ICompare,
  IKeyValue,
  IRangeRequest,
  IRequestOp,
  IResponseOp,
  ITxnRequest,
} from "etcd3";
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
interface Standing {
  readonly revision: string;
  /** Undefined: it is its turn. */
  readonly rival: Buffer | undefined;
}

/** Where it stands at a later revision, and whether it is to be given up. */
export interface Seen extends Standing {
  readonly asked: boolean;
  readonly at: string;
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

  /**
   * Puts its key at the end of the line; one that does not want to wait, only if nobody is in its way.
   * Where nobody is, the server does no more than that.
   */
  async enter(request: AcquireRequest, spot: Spot): Promise<Entered> {
    const { info, wait } = request;
    const { key, rivals } = spot;
    const fence = this.#fence;
    const session = this.#keys.session(this.#lease);
    const isBegun = equal("Mod", session, fence);
    const isNew = equal("Create", key, "0");
    const isFree = { ...equal("Create", rivals.key, "0"), range_end: rivals.range_end };
    const value = encode({ ...info, since: this.#now() });
    const put: IRequestOp = { request_put: { key, value, lease: this.#lease } };
    const see: IRequestOp[] = [
      { request_range: { key, keys_only: true } },
      { request_range: { key: session, keys_only: true } },
    ];
    const join: ITxnRequest = {
      compare: [isBegun, isNew],
      success: [{ request_range: last(rivals) }, put],
      failure: see,
    };
    const answer = await this.#link.connection.txn({
      compare: [isBegun, isNew, isFree],
      success: [put],
      failure: wait ? [{ request_txn: join }] : see,
    });
    const { revision } = answer.header;
    if (answer.succeeded) return { revision, rival: undefined };
    const joined = wait ? answer.responses[0]?.response_txn : answer;
    const [first, second] = keysOf(joined?.responses ?? []);
    if (joined?.succeeded) return { revision, rival: first?.key };
    if (first) return { since: first.create_revision };
    if (second?.mod_revision === fence) return "busy";
    // A new connection of ours has begun meanwhile.
    return fence === this.#fence ? "superseded" : this.enter(request, spot);
  }

  /**
   * Reads where it stands now; undefined: its key is gone. `asked`: it is to be given up. `here`: as
   * far as this member knows, which need not wait for what others have under way. Where our own key is
   * known, nobody before it can be unknown; only that our key is gone is not believed then.
   */
  async look(spot: Spot, revision: string, here: boolean): Promise<Seen | undefined> {
    const { key, rivals } = spot;
    const before = { ...last(rivals), max_create_revision: String(BigInt(revision) - 1n) };
    const { header, responses } = await this.#link.connection.txn({
      success: [
        { request_range: { key, serializable: here } },
        { request_range: { ...before, serializable: here } },
      ],
    });
    const [mine, rival] = keysOf(responses);
    if (mine?.create_revision !== revision) {
      return here ? this.look(spot, revision, false) : undefined;
    }
    const asked = decode(mine.value).asked ?? false;
    return { revision, rival: rival?.key, asked, at: header.revision };
  }

  /** All in line for a name, first come first. */
  async all(name: string): Promise<Entry[]> {
    const range = { ...this.#keys.line(name), ...inOrder };
    const { kvs } = await this.#link.connection.range(range);
    return kvs.map((kv) => this.#entry(name, kv));
  }

  /** Asks a holder to give it up. */
  async ask({ key, revision, stored }: Entry): Promise<void> {
    const value = encode({ ...stored, asked: true });
    await this.#link.connection.txn({
      compare: [equal("Create", key, revision)],
      success: [{ request_put: { key, value, ignore_lease: true } }],
    });
  }

  /** Takes it from a holder. */
  async take({ key, revision }: Entry): Promise<void> {
    await this.#link.connection.txn({
      compare: [equal("Create", key, revision)],
      success: [{ request_delete_range: { key } }],
    });
  }

  #entry(name: string, { key, create_revision: revision, lease, value }: IKeyValue): Entry {
    const stored = decode(value);
    const { asked: _, since, ...info } = stored;
    const { shared } = this.#keys.read(name, key);
    return {
      key,
      revision,
      lease,
      stored,
      info: { ...info, ...(since > 0 ? { since: new Date(since) } : {}), shared },
    };
  }
}

const mark = Buffer.alloc(0);
const inOrder = { sort_target: "Create", sort_order: "Ascend" } as const;

/** The first key that each of them found. */
function keysOf(responses: readonly IResponseOp[]): (IKeyValue | undefined)[] {
  return responses.map(({ response_range: range }) => range?.kvs[0]);
}

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
