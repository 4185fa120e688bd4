// The package has no types of its own; these are of the two functions used here.
declare module "fs-native-extensions" {
  /** Takes the lock of the whole file for the open file description of `fd`, or answers false. */
  export function tryLock(fd: number): boolean;
  export function unlock(fd: number): void;
}
