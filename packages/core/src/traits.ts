import type { HolderInfo } from "./contract.js";

/** What a session promises on the server it is connected to. */
export interface Traits {
  /** How far apart two programs may be and still exclude each other. */
  readonly reach: "process" | "host" | "network";
  /** What tells the backend that a holder is gone. */
  readonly liveness: "kernel" | "connection" | "session" | "lease";
  /** Within how many milliseconds of a holder's death its locks are granted to a waiter, in the median of many. */
  readonly crashReleaseMs: number;
  /** Whether those who wait are served in the order in which the backend accepted them. */
  readonly fair: boolean;
  /** Whether locks can be held shared. */
  readonly shared: boolean;
  readonly semaphores: boolean;
  readonly groups: boolean;
  readonly elections: boolean;
  /** Where tokens come from, for people. */
  readonly tokenSource: string;
  /** Whether the next token is still greater after each of these. */
  readonly tokenSurvives: {
    readonly dataLoss: boolean;
    readonly failover: boolean;
    readonly clockStep: boolean;
  };
  /** How those who wait are woken. */
  readonly wake: "push" | "push+recheck" | "watch" | "watch+recheck";
  /** Which fields of a holder the backend knows. */
  readonly holderInfo: readonly (keyof HolderInfo)[];
  /** What can take a hold away otherwise than by time. */
  readonly revocable: readonly ("break" | "removal" | "revocation" | "dataLoss" | "failover")[];
}

/** What `require` may ask for: words must be equal, `crashReleaseMs` at most so many, lists included. */
export type TraitsRequired = {
  readonly [Key in keyof Traits]?: Key extends "tokenSurvives"
    ? Partial<Traits["tokenSurvives"]>
    : Traits[Key];
};

/** The names of the traits asked for that are not there, each with what is there instead. */
export function unmetTraits(traits: Traits, required: TraitsRequired): string[] {
  return differences(traits, required as Record<string, unknown>, "");
}

function differences(have: object, want: Record<string, unknown>, path: string): string[] {
  return Object.entries(want).flatMap(([key, wanted]) => {
    if (wanted === undefined) return [];
    const actual = (have as Record<string, unknown>)[key];
    if (isRecord(wanted) && isRecord(actual)) return differences(actual, wanted, `${path}${key}.`);
    return meets(actual, wanted) ? [] : [`${path}${key} is ${show(actual)}, not ${show(wanted)}`];
  });
}

function meets(actual: unknown, wanted: unknown): boolean {
  if (typeof actual === "number" && typeof wanted === "number") return actual <= wanted;
  if (Array.isArray(actual) && Array.isArray(wanted)) {
    return wanted.every((item) => actual.includes(item));
  }
  return actual === wanted;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "unknown here";
}
