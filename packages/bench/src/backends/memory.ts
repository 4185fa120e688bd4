import "@coord/core/memory";
import type { Acquire, Backend, Locker, Release, Subject } from "../backend.js";
import { coord } from "./coord.js";

const floor: Subject = {
  name: "floor",
  how: "a chain of promises for each name; no token, no lease, no loss, no way to give up",
  open: async () => new MemoryFloor(),
};

/** The least that a lock within a process takes. */
class MemoryFloor implements Locker {
  readonly #lasts = new Map<string, Promise<void>>();

  lock(name: string): Acquire {
    return async () => {
      const before = this.#lasts.get(name);
      let release!: () => void;
      const released = new Promise<void>((resolve) => (release = resolve));
      this.#lasts.set(name, released);
      await before;
      return release as Release;
    };
  }

  async close(): Promise<void> {}
}

const oneProcess = "because this backend lives within one process";

/** The backend in the process itself: what core costs without any I/O. */
export const memory: Backend = {
  name: "memory",
  subjects: [coord, floor],
  inapplicable: {
    turns: oneProcess,
    crash: oneProcess,
  },
  setUp: async () => ({ address: "memory:", [Symbol.asyncDispose]: async () => {} }),
};
