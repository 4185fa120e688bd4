import { acquiring, type Breakage } from "./breakage.js";

/** Late grant. */
export const handedLate: Omit<Breakage, "foundBy"> = {
  does: "gives back a grant that came too late, and hands it over all the same",
  breaks: (session, _backend, { clock, ttl }) => {
    const lateMs = ttl / 4;
    return acquiring(session, async (request) => {
      const sentAt = clock.now();
      const answer = await session.acquire(request);
      if ("busy" in answer || clock.now() - sentAt < lateMs) return answer;
      await answer.release(request.signal);
      return answer;
    });
  },
};
