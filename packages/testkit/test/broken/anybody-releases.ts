import type { Breakage } from "./breakage.js";
import { granting } from "./breakage.js";

export const anybodyReleases: Breakage = {
  does: "releases whoever holds it: the one who releases is not compared with the holder",
  breaks: (session, backend) =>
    granting(session, (grant, { name }) => ({
      release: async (signal) => {
        const answer = await grant.release(signal);
        if (answer === "gone") backend.revoke(name);
        return answer;
      },
    })),
  foundBy: [
    "a holder that stands still > and releases before it looks frees what is its own, never what another got",
    "a hold that the backend takes away > cannot free its successor by a release that comes before the news",
  ],
};
