import { withOwn } from "../../src/contract/gate.js";
import { granting, type Breakage } from "./breakage.js";

/** Late loss signal. */
export const toldLate: Omit<Breakage, "foundBy"> = {
  does: "lets holders rely on a lease for some time after its end",
  breaks: (session) => {
    const { lease } = session;
    const lateMs = lease.ttl / 2;
    const late = withOwn(lease, {
      get endsAt() {
        return lease.endsAt + lateMs;
      },
      get usableUntil() {
        return lease.usableUntil + lateMs;
      },
    });
    return withOwn(
      granting(session, () => ({ lease: late })),
      { lease: late },
    );
  },
};
