import { granting, type Breakage } from "./breakage.js";

export const reasonsGuessed: Breakage = {
  does: "says of everything that was taken away that the session is over",
  breaks: (session) =>
    granting(session, ({ lost }) => ({
      lost: lost.then((reason) => (reason === "taken" ? "session" : reason)),
    })),
  foundBy: [
    "a hold that the backend takes away > is told to its holder, with the reason",
    "a hold that the backend takes away > makes run() reject COORD_LOST with what the body returned, or with the body's own error",
  ],
};
