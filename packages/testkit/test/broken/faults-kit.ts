// Run by `faults-config.ts`: a driver that is told late of a loss, in faults.
import type { Driver } from "@coord/core/driver";
import { memory, type MemoryDriver } from "@coord/core/memory";
import { testFaults } from "@coord/testkit";
import { toldLate } from "./told-late.js";

const places = new Map<string, MemoryDriver>();

function placeOf(url: string): MemoryDriver {
  const place = places.get(url) ?? memory();
  places.set(url, place);
  return place;
}

const driver: Driver = {
  ...memory(),
  open: async (url, context) => {
    const place = placeOf(url.toString());
    return toldLate.breaks(await place.open(url, context), place, context);
  },
};

testFaults({
  driver,
  module: "@coord/core/memory",
  url: () => `memory:${crypto.randomUUID()}`,
  options: { ttl: 1_000, heartbeat: 200 },
  faults: { revoke: async (url, name) => placeOf(url).revoke(name) },
});
