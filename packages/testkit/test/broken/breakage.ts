import type { AcquireRequest, Busy, Grant, Session, SessionContext } from "@coord/core/driver";
import type { MemoryDriver } from "@coord/core/memory";
import { withOwn } from "../../src/contract/gate.js";

/** The memory backend broken in one way, and the tests of the kit that must find out. */
export interface Breakage {
  /** What is wrong with it, after "a driver that". */
  readonly does: string;
  /** The sessions of one place on the backend, each as it is broken. */
  breaks(session: Session, backend: MemoryDriver, context: SessionContext): Session;
  /** Full names, below "the contract, kept by ...". All others must pass, but for those of `sometimesBy`. */
  readonly foundBy: readonly string[];
  /** Tests of moments that may or may not hit the one at which it is wrong. */
  readonly sometimesBy?: readonly string[];
}

/** What a session is asked for, and what it answers. */
export type Acquire = (request: AcquireRequest) => Promise<Grant | Busy>;

/** The session with another way to acquire. */
export function acquiring(session: Session, acquire: Acquire): Session {
  return withOwn(session, { acquire });
}

/** The session with every grant made another. */
export function granting(
  session: Session,
  change: (grant: Grant, request: AcquireRequest) => Partial<Grant>,
): Session {
  return acquiring(session, async (request) => {
    const answer = await session.acquire(request);
    return "busy" in answer ? answer : withOwn(answer, change(answer, request));
  });
}

/** Rejects when the signal is aborted, and never settles otherwise. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
