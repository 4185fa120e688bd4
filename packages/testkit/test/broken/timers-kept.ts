import { acquiring, type Breakage } from "./breakage.js";

export const timersKept: Breakage = {
  does: "looks after each request by a timer, and forgets to cancel it when that is given up",
  breaks: (session, _, { clock }) =>
    acquiring(session, async (request) => {
      const timer = clock.timer(600_000, () => {});
      const answer = await session.acquire(request);
      timer.cancel();
      return answer;
    }),
  foundBy: [
    "leftovers > thousands of holds and aborted waits leave no descriptor, listener, timer or place in line",
  ],
};
