import { turns } from "../../src/contract/meanwhile.js";
import { withOwn } from "../../src/contract/gate.js";
import { acquiring, type Breakage } from "./breakage.js";

export const secondHolder: Breakage = {
  does: "asks first whether a lock is free and relies on it later: two who ask at once both get it",
  breaks: (session) =>
    acquiring(session, async (request) => {
      const { signal } = request;
      const before = await session.inspect?.(request.name, signal);
      await turns(1);
      const answer = await session.acquire(withOwn(request, { wait: false }));
      if (!("busy" in answer)) return answer;
      if (before?.holders.length !== 0) return request.wait ? session.acquire(request) : answer;
      const now = await session.inspect?.(request.name, signal);
      const greatest = now?.holders.at(-1)?.token ?? 0n;
      return {
        token: greatest + 1n,
        lease: session.lease,
        lost: new Promise(() => {}),
        release: async () => "released",
      };
    }),
  foundBy: [
    "exclusion > a hundred that ask at once all get it, one at a time, with tokens that grow",
    "exclusion > four processes that add to one number lose no addition, nor do four coordinators where no other process is reached",
    "a shared lock > never has a reader and a writer, nor two writers, and tokens that grow from one to the other",
  ],
};
