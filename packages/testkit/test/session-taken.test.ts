import { connect } from "@coord/core";
import type { Driver } from "@coord/core/driver";
import { memory } from "@coord/core/memory";
import { describe } from "vitest";
import { describeTakenAway } from "../src/contract/taken-away.js";

const backend = memory();
const driver: Driver = { ...backend };

/** Ends the session of whoever holds the lock, as where an administrator can end no less. */
async function revoke(url: string, name: string): Promise<void> {
  await using coordinator = await connect(url, { drivers: [driver] });
  const { holders } = await coordinator.getLock(name).inspect();
  for (const { member } of holders) backend.lose(member);
}

describe("where a hold is taken away with its whole session,", () => {
  describeTakenAway({
    driver,
    module: "@coord/core/memory",
    url: () => "memory:",
    faults: { revoke, revokeReason: "session" },
  });
});
