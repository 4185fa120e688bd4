// A driver for `open-door:` that grants everything to everybody at once, with one token for all.
// Imported as `open-door.mjs?dies` it takes its process with it.
import { endless, register } from "@coord/core/driver";

const { search } = new URL(import.meta.url);

const traits = {
  reach: "host",
  liveness: "kernel",
  crashReleaseMs: 0,
  fair: true,
  shared: true,
  semaphores: false,
  groups: false,
  elections: false,
  tokenSource: "none",
  tokenSurvives: { dataLoss: true, failover: true, clockStep: true },
  wake: "push",
  holderInfo: [],
  revocable: [],
};

register({
  name: "open door",
  schemes: ["open-door"],
  options: {},
  open: async () => ({
    id: crypto.randomUUID(),
    traits,
    lease: endless,
    beatEvery: Infinity,
    ended: new Promise(() => {}),
    acquire: async () => {
      if (search === "?dies") process.exit(3);
      return {
        token: 1n,
        lease: endless,
        lost: new Promise(() => {}),
        release: async () => "released",
      };
    },
    inspect: async () => ({ holders: [], waiters: [] }),
    close: async () => {},
  }),
});
