import { withOwn } from "../../src/contract/gate.js";
import { aborted, acquiring, type Breakage } from "./breakage.js";

export const grantedLate: Breakage = {
  does: "leaves in line whoever gave up, and grants the lock to nobody",
  breaks: (session) => {
    const never = new AbortController().signal;
    return acquiring(session, (request) =>
      Promise.race([session.acquire(withOwn(request, { signal: never })), aborted(request.signal)]),
    );
  },
  foundBy: [
    "a shared lock > cannot be made exclusive while it is held, nor the other way round: COORD_BUSY after a timeout",
    "giving up > while others hold it rejects with the signal's reason at once, and is not granted later",
    "giving up > lets those behind move up, who are served as if nobody had been before them",
    "giving up > by an abort at the very moment of the grant leaves the lock either held or free",
    "giving up > by a timeout at the very moment of the grant does too",
    "whoever is killed > as a reader frees its own share and no other's",
    "leftovers > thousands of holds and aborted waits leave no descriptor, listener, timer or place in line",
    "a request on its way > that is given up in the tick of the call, or in that in which the driver is asked, leaves nothing",
    "a request on its way > that is given up at any moment leaves the lock either held or free",
  ],
};
