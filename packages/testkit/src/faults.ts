import { describe, expect, test } from "vitest";
import { describeQuiet, listen } from "./contract/quiet.js";
import type { Subject } from "./contract/rig.js";
import { describeCutting } from "./faults/cutting.js";
import { Findings, newsWithin } from "./faults/findings.js";
import { describeHerd } from "./faults/herd.js";
import { describeLeaving } from "./faults/leaving.js";
import { describeOutage } from "./faults/outage.js";
import { describePausing } from "./faults/pausing.js";
import { describeRenewing } from "./faults/renewing.js";
import { describeReplies } from "./faults/replies.js";
import { describeRestarting } from "./faults/restarting.js";
import { describeRevoking } from "./faults/revoking.js";
import { describeStepping } from "./faults/stepping.js";
import { describeUnplugging } from "./faults/unplugging.js";

/**
 * Describes, to vitest, what becomes of locks in faults, the part of the contract that takes longest:
 * a driver may have it in a file of its own, beside one with `testContract()`, so that both run at
 * once. It is the same for all: where a driver's traits leave no room for a fault, it is shown that
 * there is none.
 */
export function testFaults(subject: Subject): void {
  describe(`faults, survived by ${subject.driver.name}`, () => {
    const heard = listen();
    const findings = new Findings(subject.driver.name);
    describePausing(subject, findings);
    describeStepping(subject, findings);
    describeCutting(subject, findings);
    describeLeaving(subject);
    describeOutage(subject);
    describeReplies(subject, findings);
    describeRestarting(subject, findings);
    describeRevoking(subject, findings);
    describeRenewing(subject);
    describeHerd(subject);
    describeUnplugging(subject, findings);
    describe("all of them", () => {
      test("leave a margin between one holder and the next, and news that come within a beat", () => {
        const late = findings.judge(subject.options?.heartbeat ?? 300);
        expect(late).toBeLessThanOrEqual(newsWithin);
      });
    });
    describeQuiet(heard);
  });
}
