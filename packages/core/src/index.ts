export { connect } from "./connect.js";
export type {
  BreakOptions,
  BreakResult,
  Driver,
  HolderInfo,
  LockState,
  Logger,
} from "./contract.js";
export type { Clock, Timer } from "./clock.js";
export { Coordinator } from "./coordinator.js";
export { configureDefaultCoordinator, defaultCoordinator, lock } from "./default-coordinator.js";
export { CoordError, isCoordError, type CoordErrorCode, type LossReason } from "./errors.js";
export type { Hold } from "./hold.js";
export type { AcquireOptions, Lock } from "./lock.js";
export type { CoordinatorOptions } from "./settings.js";
export type { CoordinatorState } from "./states.js";
export { synchronized, type Synchronize, type SynchronizedOptions } from "./synchronized.js";
export type { Traits, TraitsRequired } from "./traits.js";
