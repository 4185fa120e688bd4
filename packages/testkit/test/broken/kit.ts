// Run by `config.ts`, once for each broken driver.
import type { Driver } from "@coord/core/driver";
import { memory, type MemoryDriver } from "@coord/core/memory";
import { testContract } from "@coord/testkit";
import { inject } from "vitest";
import { breakages } from "./index.js";

declare module "vitest" {
  interface ProvidedContext {
    broken: keyof typeof breakages;
  }
}

const name = inject("broken");
const places = new Map<string, MemoryDriver>();

function placeOf(url: string): MemoryDriver {
  const place = places.get(url) ?? memory();
  places.set(url, place);
  return place;
}

const driver: Driver = {
  ...memory(),
  name,
  open: async (url, context) => {
    const place = placeOf(url.toString());
    return breakages[name].breaks(await place.open(url, context), place, context);
  },
};

testContract({
  driver,
  module: "@coord/core/memory",
  url: () => `memory:${crypto.randomUUID()}`,
  options: { ttl: 800, heartbeat: 150 },
  faults: { revoke: async (url, lock) => placeOf(url).revoke(lock) },
});
