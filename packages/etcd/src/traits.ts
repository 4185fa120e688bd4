import type { Traits } from "@coord/core/driver";

/** By how many milliseconds etcd may be late with what ran out: it looks twice a second, then agrees on it. */
const latest = 1_000;

/** What is promised by a server that gave us this ttl, in milliseconds. */
export function traitsOf(ttl: number): Traits {
  return {
    reach: "network",
    liveness: "lease",
    crashReleaseMs: ttl + latest,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "etcd's revision at which the holder's key was made",
    tokenSurvives: { dataLoss: false, failover: true, clockStep: true },
    wake: "watch+recheck",
    holderInfo: ["member", "host", "pid", "since", "token", "shared"],
    revocable: ["break", "removal", "revocation", "dataLoss"],
  };
}
