import type { Grant } from "@coord/core/driver";
import { withOwn } from "../../src/contract/gate.js";
import { turns } from "../../src/contract/meanwhile.js";
import { acquiring, type Breakage } from "./breakage.js";

export const closedHalf: Breakage = {
  does: "gives back, when it closes, what it has answered, but not what it is being granted just then",
  breaks: (session) => {
    const answered = new Set<Grant>();
    const half = acquiring(session, async (request) => {
      const answer = await session.acquire(request);
      await turns(1);
      if (!("busy" in answer)) answered.add(answer);
      return answer;
    });
    return withOwn(half, {
      close: async (signal) => {
        await Promise.all([...answered].map((grant) => grant.release(signal)));
      },
    });
  },
  foundBy: [
    "a request on its way > when its coordinator stops, at any moment, leaves the lock free at once",
    "a request on its way > when its session ends, at any moment, leaves the lock free as soon as that is closed",
  ],
};
