import type { HolderInfo } from "@coord/core/driver";
import { withOwn } from "../../src/contract/gate.js";
import type { Breakage } from "./breakage.js";

export const sinceKept: Breakage = {
  does: "does not say since when a lock is held, although its traits promise that",
  breaks: (session) =>
    withOwn(session, {
      inspect: async (...asked) => {
        const { holders = [], waiters = [] } = (await session.inspect?.(...asked)) ?? {};
        return { holders: holders.map(keep), waiters };
      },
    }),
  foundBy: ["inspect() > names the holder, and does so to everybody"],
};

function keep(info: HolderInfo): HolderInfo {
  const { since: _, ...rest } = info;
  return rest;
}
