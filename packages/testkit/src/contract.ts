import { describe } from "vitest";
import { describeCrash } from "./contract/crash.js";
import { describeExclusion } from "./contract/exclusion.js";
import { describeFactory } from "./contract/factory.js";
import { describeLeftovers } from "./contract/leftovers.js";
import { describeLifecycle } from "./contract/lifecycle.js";
import { describeNames } from "./contract/names.js";
import { describeRelease } from "./contract/release.js";
import type { Subject } from "./contract/rig.js";
import { describeWaiting } from "./contract/waiting.js";

/**
 * Describes, to vitest, the contract that every driver keeps. It is the same for all: what a driver
 * does not promise in its traits is not left out but tested for being refused.
 */
export function testDriver(subject: Subject): void {
  describe(`the contract, kept by ${subject.driver.name}`, () => {
    describeFactory(subject);
    describeExclusion(subject);
    describeWaiting(subject);
    describeRelease(subject);
    describeNames(subject);
    describeLifecycle(subject);
    describeCrash(subject);
    describeLeftovers(subject);
  });
}
