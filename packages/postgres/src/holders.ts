import { createHash } from "node:crypto";
import type { HolderInfo } from "@coord/core/driver";
import type { Rows } from "./connection/request.js";
import type { Wire } from "./connection/wire.js";
import { parts } from "./keys.js";

/** What `inspect()` and `break()` know of a holder, or of one who waits. */
export interface PostgresHolder extends HolderInfo {
  /** The process of the server that serves its session, as in pg_stat_activity. */
  readonly backend: number;
}

/** What others see of a member: itself, or a hash of it where it is too long or not of ASCII. */
export function applicationOf(member: string): string {
  if (/^[\x20-\x7e]{1,63}$/.test(member)) return member;
  const hash = createHash("sha256").update(member).digest("hex");
  return `sha256:${hash.slice(0, 56)}`;
}

/** Who has a lock and who waits for it, as far as the server knows. */
export async function whoHas(
  key: bigint,
  run: (text: string) => Promise<Rows>,
): Promise<{ holders: PostgresHolder[]; waiters: PostgresHolder[] }> {
  const rows =
    await run(`SELECT l.pid, ${keyOfRow} = ${key}, l.granted, l.mode = 'ShareLock', a.application_name, host(a.client_addr)
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE ${isAdvisory} AND (${keyOfRow} = ${key} OR (${keyOfRow} = ${key ^ BigInt(parts.waiting)} AND l.mode = 'ShareLock'))
    ORDER BY l.pid`);
  const holders: PostgresHolder[] = [];
  const waiters: PostgresHolder[] = [];
  for (const [pid, isLock, isGranted, isShared, application, host] of rows) {
    const info = {
      member: application || "unknown",
      ...(host ? { host } : {}),
      backend: Number(pid),
    };
    const holds = isLock === "t" && isGranted === "t";
    if (holds) holders.push({ ...info, shared: isShared === "t" });
    else waiters.push(info);
  }
  return { holders, waiters };
}

/** Ends a session of this coordinator that is over for us, and maybe not yet for the server. */
export async function endPrevious(wire: Wire, key: bigint): Promise<void> {
  const end = `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE ${isAdvisory} AND ${keyOfRow} = ${key} AND l.pid <> pg_backend_pid()`;
  // It ends by itself, a little later.
  await wire.run(end).catch(() => {});
}

const keyOfRow = "((l.classid::bigint << 32) | l.objid::bigint)";
const isAdvisory =
  "l.locktype = 'advisory' AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
