import { Crowded, type AcquireRequest, type Link } from "@coord/core/driver";
import type {
  ICompare,
  IKeyValue,
  IRangeRequest,
  IRequestOp,
  IResponseOp,
  ITxnRequest,
} from "etcd3";
import type { Connection } from "./connection/connection.js";
import { unavailable } from "./connection/failures.js";
import type { Keys, KeyRange, Spot } from "./keys.js";
import type { Entered, Entry, Seen } from "./standing.js";
import { decode, encode } from "./stored.js";

/** So many before a request are told one by one at most. */
export const most = 8;

/** What was read of it, as of a revision. */
interface Read {
  readonly at: string;
  readonly mine: IKeyValue | undefined;
  readonly rivals: readonly IKeyValue[];
}

/** What is asked and said of lines: each is one round trip, and is done or not done as a whole. */
export class Queue {
  readonly #keys: Keys;
  readonly #link: Link<Connection>;
  readonly #lease: string;
  readonly #now: () => number;
  readonly #session: Buffer;
  readonly #crowded = new Crowded<string>();
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
    this.#session = keys.session(lease);
  }

  /**
   * Has the server do nothing any more of what was asked by earlier connections of the session and
   * may still be on its way. Rejects where the lease is gone.
   */
  async begin(connection: Connection): Promise<void> {
    this.#fence = await connection.put(this.#session, mark, this.#lease);
  }

  /**
   * Puts its key at the end of the line; one that does not want to wait, only if nobody is in its way.
   * Where nobody was in anybody's way the last time, no more than that is asked at first: the whole
   * question takes long to be written down.
   */
  async enter(request: AcquireRequest, spot: Spot): Promise<Entered> {
    const { info, name, wait } = request;
    const { key, rivals } = spot;
    const fence = this.#fence;
    const isBegun = equal("Mod", this.#session, fence);
    const isFree = { ...equal("Create", rivals.key, "0"), range_end: rivals.range_end };
    const value = encode({ ...info, since: this.#now() });
    const put: IRequestOp = { request_put: { key, value, lease: this.#lease } };
    const isNew = equal("Create", key, "0");
    const first: ITxnRequest = { compare: [isBegun, isNew, isFree], success: [put] };
    if (!this.#crowded.has(name)) {
      const { header, succeeded } = await this.#link.connection.txn(first);
      if (succeeded) return { revision: header.revision, rivals: [] };
      this.#crowded.add(name);
    }
    const see: IRequestOp[] = [
      { request_range: { key, keys_only: true } },
      { request_range: { key: this.#session, keys_only: true } },
    ];
    const join: ITxnRequest = {
      compare: [isBegun, isNew],
      success: [{ request_range: last(rivals) }, put],
      failure: see,
    };
    const answer = await this.#link.connection.txn({
      ...first,
      failure: wait ? [{ request_txn: join }] : see,
    });
    const { revision } = answer.header;
    if (answer.succeeded) {
      this.#crowded.delete(name);
      return { revision, rivals: [] };
    }
    const joined = wait ? answer.responses[0]?.response_txn : answer;
    const [found, [second] = []] = kvsOf(joined?.responses ?? []);
    if (joined?.succeeded) return { revision, rivals: keysOf(found) };
    const [own] = found ?? [];
    if (own) return { since: own.create_revision };
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
    const { at, mine, rivals } = await this.#read(spot, revision, here);
    if (mine?.create_revision !== revision) {
      return here ? this.look(spot, revision, false) : undefined;
    }
    const asked = decode(mine.value).asked ?? false;
    return { revision, rivals: keysOf(rivals), asked, at };
  }

  /** Its own key, and those before that which stand in its way. */
  async #read(
    { key, rivals, isShared }: Spot,
    revision: string,
    serializable: boolean,
  ): Promise<Read> {
    const { connection } = this.#link;
    if (!isShared) {
      // One range has both: who comes alone waits for everybody.
      const both = { ...last(rivals), limit: most + 2, keys_only: false };
      const read = { ...both, max_create_revision: revision, serializable };
      const { header, kvs } = await connection.range(read);
      const [mine, ...others] = kvs;
      return { at: header.revision, mine, rivals: others };
    }
    const before = { ...last(rivals), max_create_revision: String(BigInt(revision) - 1n) };
    const { header, responses } = await connection.txn({
      success: [
        { request_range: { key, serializable } },
        { request_range: { ...before, serializable } },
      ],
    });
    const [[mine] = [], others = []] = kvsOf(responses);
    return { at: header.revision, mine, rivals: others };
  }

  /**
   * Deletes its key, made at a revision or, as far as that is known, at any. Whether it was there; rejects
   * where it may come there yet. Answered or not, it deletes nothing that is there under this key later.
   */
  async leave({ key }: Spot, revision: string | undefined): Promise<boolean> {
    const fence = this.#fence;
    const isMine =
      revision === undefined ? equal("Mod", this.#session, fence) : equal("Create", key, revision);
    const { succeeded, responses } = await this.#link.connection.txn({
      compare: [isMine],
      success: [{ request_delete_range: { key } }],
    });
    if (!succeeded && revision === undefined) {
      const cause = new Error("The mark that this connection put at the server is there no more.");
      // By this one it would be refused for ever; the next one puts a newer mark.
      if (fence === this.#fence) this.#link.giveUp(cause);
      throw unavailable(cause);
    }
    return Number(responses[0]?.response_delete_range?.deleted ?? 0) > 0;
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
    const shared = this.#keys.isShared(name, key);
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

/** What each of them found. */
function kvsOf(responses: readonly IResponseOp[]): IKeyValue[][] {
  return responses.map(({ response_range: range }) => range?.kvs ?? []);
}

function keysOf(kvs: readonly IKeyValue[] = []): Buffer[] {
  return kvs.map(({ key }) => key);
}

function last(range: KeyRange): IRangeRequest {
  return {
    ...range,
    sort_target: "Create",
    sort_order: "Descend",
    limit: most + 1,
    keys_only: true,
  };
}

function equal(target: "Create" | "Mod", key: Buffer, revision: string): ICompare {
  const what = target === "Create" ? { create_revision: revision } : { mod_revision: revision };
  return { result: "Equal", target, key, ...what };
}
