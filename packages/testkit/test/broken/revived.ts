import { endless } from "@coord/core/driver";
import { withOwn } from "../../src/contract/gate.js";
import { granting, type Breakage } from "./breakage.js";

export const revived: Breakage = {
  does: "goes on with a session whose time ran out, and with all that it held",
  breaks: (session) => {
    const ended = session.ended.then((end) =>
      end.reason === "expired" ? new Promise<never>(() => {}) : end,
    );
    return withOwn(
      granting(session, () => ({ lease: endless })),
      { lease: endless, ended },
    );
  },
  foundBy: [
    "a holder that stands still > has lost what another got meanwhile at its first look, and for good; else it still has it",
  ],
};
