import { withOwn } from "../../src/contract/gate.js";
import { aborted, acquiring, type Breakage } from "./breakage.js";

export const heardOnce: Breakage = {
  does: "wakes a session once: of what it waits for later it never hears, and it does not look again",
  breaks: (session) => {
    let heard = false;
    return acquiring(session, async (request) => {
      const answer = await session.acquire(withOwn(request, { wait: false }));
      if (!request.wait || !("busy" in answer)) return answer;
      if (heard) return aborted(request.signal);
      heard = true;
      return session.acquire(request);
    });
  },
  foundBy: [
    "exclusion > a hundred that ask at once all get it, one at a time, with tokens that grow",
    "exclusion > four processes that add to one number lose no addition, nor do four coordinators where no other process is reached",
    "a shared lock > does not keep a writer waiting for as long as readers come",
    "a shared lock > never has a reader and a writer, nor two writers, and tokens that grow from one to the other",
    "waiting > a release wakes whoever waits, although its clock stands still: nobody tries again by the clock",
    "waiting > a release between the try and the waiting is not missed",
    "a holder that is killed > frees the lock for a waiter within the time the traits publish, not before it is dead",
    "waiting > a timeout longer than timers can count, or without an end, waits for as long as it takes",
    "giving up > by an abort at the very moment of the grant leaves the lock either held or free",
    "giving up > by a timeout at the very moment of the grant does too",
  ],
};
