import type { HolderInfo } from "@coord/core/driver";
import type { Entry } from "./server.js";

/** What others may know of it; a holder that is no coordinator of ours is unknown. */
export function infoOf([owner, mode, since, token, info]: Entry): HolderInfo {
  if (owner === "") return { member: "unknown" };
  const known = {
    ...(JSON.parse(info) as HolderInfo),
    since: new Date(Number(since)),
    shared: mode === "s",
  };
  return token === "0" ? known : { ...known, token: BigInt(token) };
}
