import { systemClock, type Clock } from "../clock.js";
import type { Driver } from "../contract.js";
import type { OptionSpec } from "../option-spec.js";
import { register } from "../registry.js";
import type { Traits } from "../traits.js";
import { Link, type Operation } from "./link.js";
import { MemoryServer } from "./server.js";
import { MemorySession } from "./session.js";

export { VirtualClock } from "./virtual-clock.js";

const options = {
  ttl: {
    type: "seconds",
    min: 0.001,
    help: "how long the server keeps what is held for a client it does not hear; else the coordinator's ttl",
  },
} as const satisfies OptionSpec;

/** A backend in this process, and every fault of it as a call. */
export interface MemoryDriver extends Driver<typeof options> {
  /** Ends a coordinator's session at the server, by its `memberId`, as when its lease is revoked. */
  lose(memberId: string): void;
  /** The reply of the nth call of an operation from now on never comes, although it was done. */
  dropReply(operation: Operation, nth?: number): void;
  /** The reply of the nth call of an operation from now on comes `ms` late. */
  delayReply(operation: Operation, ms: number, nth?: number): void;
  /** Nothing gets through any more, either way; the server goes on, and leases end. */
  down(): void;
  /** Everything gets through again. */
  up(): void;
  /** Takes a lock, by its full name, from whoever holds it, as an administrator who deletes it. */
  revoke(name: string): void;
}

/**
 * A backend of its own, for tests: the same contract as the others, in one process, in virtual time
 * if `clock` is a `VirtualClock`, which the coordinators must be given too.
 */
export function memory({ clock = systemClock }: { clock?: Clock } = {}): MemoryDriver {
  const server = new MemoryServer(clock);
  const link = new Link(clock);
  const sessions = new Map<string, string>();
  return {
    name: "memory",
    schemes: ["memory"],
    options,
    open: async (url, context) => {
      const ttl = url.options.ttl ?? context.ttl;
      const session = await MemorySession.open(server, link, traitsOf(ttl), { ...context, ttl });
      sessions.set(context.memberId, session.id);
      return session;
    },
    lose: (memberId) => server.end(sessions.get(memberId) ?? "", "session"),
    dropReply: (operation, nth = 1) => link.plan(operation, nth, undefined),
    delayReply: (operation, ms, nth = 1) => link.plan(operation, nth, ms),
    down: () => void (link.down = true),
    up: () => void (link.down = false),
    revoke: (name) => server.revoke(name),
  };
}

function traitsOf(ttl: number): Traits {
  return {
    reach: "process",
    liveness: "lease",
    crashReleaseMs: ttl,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "a counter for each name",
    tokenSurvives: { dataLoss: false, failover: true, clockStep: true },
    wake: "push+recheck",
    holderInfo: ["member", "host", "pid", "since", "token", "shared"],
    revocable: ["break", "removal", "revocation"],
  };
}

/** The backend of `memory:` URLs: one for the whole process. */
export const processMemory: MemoryDriver = memory();

register(processMemory);
