/** What drivers import: the contract with core and the few things core does for all of them. */
export { onAbort } from "./abort.js";
export { refuseUnknown } from "./call-options.js";
export { Claim, type ClaimKeeper } from "./claim.js";
export { systemClock, type Clock, type Timer } from "./clock.js";
export type {
  AcquireRequest,
  BreakOptions,
  BreakResult,
  Busy,
  Driver,
  Grant,
  HolderInfo,
  Lease,
  LockState,
  Logger,
  Mode,
  Session,
  SessionContext,
  SessionEnd,
} from "./contract.js";
export { Crowded } from "./crowded.js";
export { CoordError, isCoordError, type CoordErrorCode, type LossReason } from "./errors.js";
export { endless, startLease } from "./lease.js";
export { Link, type LinkOptions } from "./link.js";
export type { OptionSpec, OptionValues, UrlOption } from "./option-spec.js";
export { register } from "./registry.js";
export type { Traits } from "./traits.js";
export type { BackendUrl, UrlHost } from "./url.js";
export { badUrl, badUrlOption, readFileOf } from "./url-problems.js";
