import type { Busy, Grant } from "@coord/core/driver";
import type { MemoryDriver } from "@coord/core/memory";
import { withOwn } from "../../src/contract/gate.js";
import { acquiring, type Breakage } from "./breakage.js";

/** Readers that the backend takes for one holder: the first one opens the door, the last one shuts it. */
interface Group {
  readers: number;
  readonly door: Promise<Grant | Busy>;
}

const groupsOf = new WeakMap<MemoryDriver, Map<string, Group>>();

export const readersFirst: Breakage = {
  does: "lets readers in where there are some, past a writer who waits, and takes them for one holder",
  breaks: (session, backend) => {
    const groups = groupsOf.get(backend) ?? new Map<string, Group>();
    groupsOf.set(backend, groups);
    return acquiring(session, async (request) => {
      const { name, mode } = request;
      if (mode === "exclusive") return session.acquire(request);
      const group = groups.get(name) ?? {
        readers: 0,
        door: session.acquire(withOwn(request, { mode: "exclusive" })),
      };
      groups.set(name, group);
      group.readers += 1;
      const leave = (): boolean => {
        group.readers -= 1;
        return group.readers === 0 && groups.delete(name);
      };
      const grant = await group.door;
      if ("busy" in grant) {
        leave();
        return grant;
      }
      return {
        token: grant.token,
        lease: session.lease,
        lost: new Promise(() => {}),
        release: async (signal) => (leave() ? grant.release(signal) : "released"),
      };
    });
  },
  foundBy: [
    "a shared lock > does not keep a writer waiting for as long as readers come",
    "inspect() > names all readers, where there can be several",
    "break() > takes it from all readers, where there can be several",
    "whoever is killed > as a reader frees its own share and no other's",
  ],
};
