import { hostname } from "node:os";
import { refuseUnknown } from "./call-options.js";
import { systemClock, type Clock } from "./clock.js";
import type { Driver, HolderInfo, Logger } from "./contract.js";
import { CoordError } from "./errors.js";
import { isWellFormed } from "./names.js";
import { SteadyClock } from "./steady-clock.js";
import type { TraitsRequired } from "./traits.js";

/**
 * What a coordinator is made with. All durations are milliseconds. An option left out, or undefined,
 * is read from its environment variable, if that is set.
 */
export interface CoordinatorOptions {
  /**
   * Which backend, and how to reach it. `COORD_BACKEND_URL`.
   * @default "file:", lock files in the user's state folder
   */
  backendUrl?: string | undefined;
  /** Who this is among the others; must differ between them. `COORD_AGENT_ID`. @default a random UUID */
  agentId?: string | undefined;
  /** Put before the agent's id and before every lock's name. `COORD_PREFIX`. @default "" */
  prefix?: string | undefined;
  /**
   * For how long a backend that judges by time keeps what is held for a client it does not hear of.
   * A backend's URL may say otherwise. `COORD_TTL`. @default 30_000
   */
  ttl?: number | undefined;
  /** How often at least the backend is told that we are alive. `COORD_HEARTBEAT`. @default 1_000, a third of the ttl if that is less */
  heartbeat?: number | undefined;
  /**
   * How long a heartbeat may take before it counts as unanswered. `COORD_BEAT_TIMEOUT`.
   * @default a third of the time between a beat and the end of the ttl, at least 250
   */
  beatTimeout?: number | undefined;
  /** The least delay before connecting again. `COORD_INITIAL_RECONNECT_BACKOFF`. @default 100, `maxReconnectBackoff` if that is less */
  initialReconnectBackoff?: number | undefined;
  /** The greatest. `COORD_MAX_RECONNECT_BACKOFF`. @default 60_000 */
  maxReconnectBackoff?: number | undefined;
  /** Drivers to choose from before those that were registered by an import. */
  drivers?: readonly Driver[] | undefined;
  /** Traits the backend must have; `start()` rejects COORD_TRAITS when it does not. */
  require?: TraitsRequired | undefined;
  /** Where messages go. @default nowhere */
  logger?: Logger | undefined;
  /** Where time comes from. @default the machine's clock */
  clock?: Clock | undefined;
}

/** The options of one coordinator, complete and checked. */
export interface Settings {
  readonly backendUrl: string;
  readonly prefix: string;
  readonly memberId: string;
  readonly ttl: number;
  readonly heartbeat: number;
  /** Undefined: to be reckoned from the session's lease. */
  readonly beatTimeout: number | undefined;
  readonly initialReconnectBackoff: number;
  readonly maxReconnectBackoff: number;
  readonly drivers: readonly Driver[];
  readonly require: TraitsRequired;
  readonly log: Logger;
  readonly clock: Clock;
  /** Who we are, for the records that tell others who holds a lock. */
  readonly info: HolderInfo;
}

const variables = {
  backendUrl: "COORD_BACKEND_URL",
  agentId: "COORD_AGENT_ID",
  prefix: "COORD_PREFIX",
  ttl: "COORD_TTL",
  heartbeat: "COORD_HEARTBEAT",
  beatTimeout: "COORD_BEAT_TIMEOUT",
  initialReconnectBackoff: "COORD_INITIAL_RECONNECT_BACKOFF",
  maxReconnectBackoff: "COORD_MAX_RECONNECT_BACKOFF",
} as const;

/** The logger, whose own errors are nobody's: they must not break what is being reported. */
function harmless(logger: Logger): Logger {
  const safely = (level: keyof Logger) => (message: string) => {
    try {
      logger[level](message);
    } catch {
      // There is nowhere to say so.
    }
  };
  return {
    debug: safely("debug"),
    info: safely("info"),
    warn: safely("warn"),
    error: safely("error"),
  };
}

const known = [...Object.keys(variables), "drivers", "require", "logger", "clock"];

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Completes options with the environment and the defaults.
 * @throws COORD_BAD_OPTION for an unknown option, or a value it cannot have.
 */
export function readSettings(
  options: CoordinatorOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  refuseUnknown(options, known);
  const text = (name: "backendUrl" | "agentId" | "prefix", otherwise: () => string): string =>
    readText(name, options[name] ?? (environment[variables[name]] || otherwise()));
  const milliseconds = <Otherwise>(name: DurationName, otherwise: Otherwise): number | Otherwise =>
    readDuration(name, options[name], environment[variables[name]]) ?? otherwise;

  const prefix = text("prefix", () => "");
  const agentId = text("agentId", () => crypto.randomUUID());
  const memberId = prefix + agentId;
  if (agentId === "") throw bad('"agentId" must not be empty. Leave it out for a random one.');
  const ttl = milliseconds("ttl", 30_000);
  const heartbeat = milliseconds("heartbeat", Math.min(1_000, ttl / 3));
  const maxReconnectBackoff = milliseconds("maxReconnectBackoff", 60_000);
  const initialReconnectBackoff = milliseconds(
    "initialReconnectBackoff",
    Math.min(100, maxReconnectBackoff),
  );
  if (heartbeat >= ttl) throw bad(tooLarge("heartbeat", heartbeat, "ttl", ttl));
  if (initialReconnectBackoff > maxReconnectBackoff) {
    const max = ["maxReconnectBackoff", maxReconnectBackoff] as const;
    throw bad(tooLarge("initialReconnectBackoff", initialReconnectBackoff, ...max));
  }
  return {
    backendUrl: text("backendUrl", () => "file:"),
    prefix,
    memberId,
    ttl,
    heartbeat,
    beatTimeout: milliseconds("beatTimeout", undefined),
    initialReconnectBackoff,
    maxReconnectBackoff,
    drivers: options.drivers ?? [],
    require: options.require ?? {},
    log: options.logger ? harmless(options.logger) : silent,
    clock: new SteadyClock(options.clock ?? systemClock),
    info: { member: memberId, host: hostname(), pid: process.pid },
  };
}

type DurationName = Exclude<keyof typeof variables, "backendUrl" | "agentId" | "prefix">;

function readText(name: string, value: unknown): string {
  if (typeof value === "string" && isWellFormed(value)) return value;
  throw bad(`"${name}" must be a string of well-formed Unicode. Give it one or leave it out.`);
}

function readDuration(
  name: DurationName,
  given: unknown,
  variable: string | undefined,
): number | undefined {
  const value = given ?? (variable ? Number(variable) : undefined);
  if (value === undefined) return undefined;
  if (typeof value === "number" && value > 0 && value < Infinity) return value;
  const where = given === undefined ? variables[name] : `"${name}"`;
  throw bad(`${where} must be a number of milliseconds above 0. Give it one or leave it out.`);
}

function tooLarge(name: string, value: number, limitName: string, limit: number): string {
  return `"${name}" (${value} ms) is too large for "${limitName}" (${limit} ms). Lower the one or raise the other.`;
}

function bad(message: string): CoordError {
  return new CoordError("COORD_BAD_OPTION", message);
}
