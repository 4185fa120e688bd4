import type { Driver } from "@coord/core/driver";
import { memory, type MemoryDriver } from "@coord/core/memory";
import { testDriver } from "@coord/testkit";

/** A backend of its own for each URL. */
const places = new Map<string, MemoryDriver>();

function placeOf(url: string): MemoryDriver {
  const place = places.get(url) ?? memory();
  places.set(url, place);
  return place;
}

const driver: Driver = {
  ...memory(),
  open: (url, context) => placeOf(url.toString()).open(url, context),
};

testDriver({
  driver,
  module: "@coord/core/memory",
  url: () => `memory:${crypto.randomUUID()}`,
  // In one process nothing is late, and so leases can be short.
  options: { ttl: 1_000, heartbeat: 200 },
  faults: { revoke: async (url, name) => placeOf(url).revoke(name) },
});
