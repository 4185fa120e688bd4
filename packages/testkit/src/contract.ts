import { describe } from "vitest";
import { describeBreaking } from "./contract/breaking.js";
import { describeCrash } from "./contract/crash.js";
import { describeDying } from "./contract/dying.js";
import { describeExclusion } from "./contract/exclusion.js";
import { describeFactory } from "./contract/factory.js";
import { describeGivingUp } from "./contract/giving-up.js";
import { describeInFlight } from "./contract/in-flight.js";
import { describeInspecting } from "./contract/inspecting.js";
import { describeLeftovers } from "./contract/leftovers.js";
import { describeLifecycle } from "./contract/lifecycle.js";
import { describeNames } from "./contract/names.js";
import { describeOrder } from "./contract/order.js";
import { describeProcesses } from "./contract/processes.js";
import { describeQuiet, listen } from "./contract/quiet.js";
import { describeRelease } from "./contract/release.js";
import type { Subject } from "./contract/rig.js";
import { describeShared } from "./contract/shared.js";
import { describeStillness } from "./contract/stillness.js";
import { describeTakenAway } from "./contract/taken-away.js";
import { describeWaiting } from "./contract/waiting.js";
import { testFaults } from "./faults.js";

/**
 * Describes, to vitest, the contract that every driver keeps, in faults too. It is the same for all:
 * what a driver does not promise in its traits is not left out but tested for being refused.
 */
export function testDriver(subject: Subject): void {
  testContract(subject);
  testFaults(subject);
}

/** The contract without the faults: see `testFaults()`. */
export function testContract(subject: Subject): void {
  describe(`the contract, kept by ${subject.driver.name}`, () => {
    const heard = listen();
    describeFactory(subject);
    describeExclusion(subject);
    describeShared(subject);
    describeWaiting(subject);
    describeOrder(subject);
    describeGivingUp(subject);
    describeInFlight(subject);
    describeRelease(subject);
    describeTakenAway(subject);
    describeNames(subject);
    describeLifecycle(subject);
    describeInspecting(subject);
    describeBreaking(subject);
    describeCrash(subject);
    describeDying(subject);
    describeStillness(subject);
    describeProcesses(subject);
    describeLeftovers(subject);
    describeQuiet(heard);
  });
}
