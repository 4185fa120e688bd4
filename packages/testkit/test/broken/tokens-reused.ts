import type { HolderInfo } from "@coord/core/driver";
import { withOwn } from "../../src/contract/gate.js";
import { granting, type Breakage } from "./breakage.js";

export const tokensReused: Breakage = {
  does: "gives every token twice",
  breaks: (session) =>
    withOwn(
      granting(session, ({ token }) => ({ token: shown(token) })),
      {
        inspect: async (...asked) => {
          const { holders, waiters } = (await session.inspect?.(...asked)) ?? nobody;
          return { holders: holders.map(show), waiters };
        },
        break: async (name, { token, force }, signal) => {
          const { holders } = (await session.inspect?.(name, signal)) ?? nobody;
          const meant = holders.find((holder) => show(holder).token === token);
          const options = token === undefined ? { force } : { force, token: meant?.token ?? 0n };
          const result = await session.break?.(name, options, signal);
          return result ?? { outcome: "free", holders: [] };
        },
      },
    ),
  foundBy: [
    "exclusion > a lock can be acquired, released and acquired again, with a greater token each time",
    "exclusion > a hundred that ask at once all get it, one at a time, with tokens that grow",
    "a shared lock > lets all readers in who waited for a writer",
    "a shared lock > never has a reader and a writer, nor two writers, and tokens that grow from one to the other",
    "waiting > a release between the try and the waiting is not missed",
    "a hold that the backend takes away > cannot free its successor, which has a greater token",
    "break() > asks the holder, who is told, and says whose it was",
    "break() > by force takes it at once; the holder hears of it and cannot free its successor",
    "break() > gives the lock to whoever waits for it, asked or forced",
    "break() > of a token takes only the hold that has it, and of a free lock nothing",
    "a holder that is killed > frees the lock for a waiter within the time the traits publish, not before it is dead",
    "a holder that stands still > has lost what another got meanwhile at its first look, and for good; else it still has it",
    "a hold that the backend takes away > cannot free its successor by a release that comes before the news",
  ],
};

const nobody = { holders: [], waiters: [] };

function shown(token: bigint): bigint {
  return (token + 1n) / 2n;
}

function show(info: HolderInfo): HolderInfo {
  return info.token === undefined ? info : { ...info, token: shown(info.token) };
}
