import type { CoordinatorOptions, Traits } from "@coord/core";
import type { Habits } from "../client.js";

/** What a worker is told when it is started, as one argument of JSON. */
export interface Orders {
  readonly backendUrl: string;
  readonly options: Omit<CoordinatorOptions, "backendUrl" | "drivers" | "logger" | "clock">;
  /** Where it writes its lines. */
  readonly file: string;
  readonly seed: number;
  readonly habits: Habits;
  /** Only to take each lock once, and then to end. */
  readonly takesOnce: boolean;
}

/** What a worker says when it is connected, as JSON after "ready ". */
export type Ready = Pick<Traits, "fair" | "crashReleaseMs" | "reach">;
