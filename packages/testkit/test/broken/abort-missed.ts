import { withOwn } from "../../src/contract/gate.js";
import { turns } from "../../src/contract/meanwhile.js";
import { aborted, acquiring, type Breakage } from "./breakage.js";

export const abortMissed: Breakage = {
  does: "begins to listen for an abort a moment after it was asked, and does not see one that came before",
  breaks: (session) =>
    acquiring(session, (request) => {
      const late = new AbortController();
      const ask = async (): ReturnType<typeof session.acquire> => {
        await turns(2);
        request.signal.addEventListener("abort", () => late.abort(request.signal.reason));
        return session.acquire(withOwn(request, { signal: late.signal }));
      };
      return Promise.race([ask(), aborted(request.signal)]);
    }),
  foundBy: [
    "giving up > while others hold it rejects with the signal's reason at once, and is not granted later",
    "giving up > by an abort at the very moment of the grant leaves the lock either held or free",
    "a request on its way > that is given up in the tick of the call, or in that in which the driver is asked, leaves nothing",
    "a request on its way > that is given up at any moment leaves the lock either held or free",
    "leftovers > thousands of holds and aborted waits leave no descriptor, listener, timer or place in line",
  ],
  sometimesBy: ["giving up > by a timeout at the very moment of the grant does too"],
};
