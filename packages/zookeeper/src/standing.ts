import type { HolderInfo, LockState } from "@coord/core/driver";
import type { Connection, Stat } from "./connection/connection.js";
import { allow, noNode } from "./connection/failures.js";
import { blockerOf, contendersOf } from "./paths.js";
import { infoOf, readRecord, type NodeRecord } from "./records.js";

/** Somebody who holds a lock or waits for it, as anybody can read it. */
export interface Standing {
  readonly path: string;
  readonly holds: boolean;
  readonly record: NodeRecord;
  readonly stat: Stat;
  readonly info: HolderInfo;
}

/** Reads who stands in a lock's folder, in their order. */
export async function standingsOf(
  folder: string,
  connection: Connection,
): Promise<readonly Standing[]> {
  const children = (await connection.children(folder).catch(allow(noNode))) ?? [];
  const contenders = contendersOf(children);
  const standings = await Promise.all(
    contenders.map(async (contender): Promise<Standing[]> => {
      const path = `${folder}/${contender.node}`;
      const read = await connection.data(path).catch(allow(noNode));
      if (!read) return [];
      const holds = blockerOf(contender, contenders) === undefined;
      const record = readRecord(read.data);
      const info = infoOf(record, read.stat, { shared: contender.shared, holds });
      return [{ path, holds, record, stat: read.stat, info }];
    }),
  );
  return standings.flat();
}

/** The same, for who asks. */
export function stateOf(standings: readonly Standing[]): LockState {
  const [holders, waiters] = [true, false].map((holds) =>
    standings.filter((each) => each.holds === holds).map(({ info }) => info),
  );
  return { holders: holders ?? [], waiters: waiters ?? [] };
}
