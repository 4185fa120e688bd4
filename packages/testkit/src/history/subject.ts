import type { CoordinatorOptions } from "@coord/core";
import type { FaultClass } from "./events.js";

/** Something that can be done to a place, besides what is done to the processes. */
export interface PlaceFault {
  /** What it is called in histories. */
  readonly kind: string;
  readonly class: FaultClass;
  /** Whom it concerns: the way of one process to the backend, one lock, or everybody. */
  readonly of: "way" | "name" | "all";
  /** Resolves when it has begun; for what is done at once, when it is done. `way` is the process's, from 0. */
  begin(target: { readonly way: number; readonly name: string }): Promise<void>;
  /** Ends it, where it lasts. Called once for each `begin()`. */
  end?(target: { readonly way: number; readonly name: string }): Promise<void>;
}

/** A place on a backend where nothing is held yet, for one history. */
export interface Place extends AsyncDisposable {
  /** The `backendUrl` of the processes, each with its own way to the backend where that can be cut. */
  url(way: number): string;
  readonly faults: readonly PlaceFault[];
  /** What is there that should not be when nobody uses it any more, counted: keys, files, connections. */
  leftovers?(): Promise<Readonly<Record<string, number>>>;
}

/** A backend whose histories are to be played. */
export interface HistorySubject {
  /** What reports call it. */
  readonly backend: string;
  /** What processes import to have the driver: its package, looked up from the working folder, or a file URL. */
  readonly module: string;
  /** Options of every coordinator. @default { ttl: 2_000, heartbeat: 300 } */
  readonly options?: Pick<CoordinatorOptions, "ttl" | "heartbeat" | "beatTimeout" | "prefix">;
  open(): Promise<Place>;
}
