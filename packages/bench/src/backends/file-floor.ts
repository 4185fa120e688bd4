import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tryLock, unlock } from "fs-native-extensions";
import type { Acquire, Locker, Release } from "../backend.js";

const flags = constants.O_RDWR | constants.O_CREAT;
const self = Buffer.from(`${process.pid}\n`);

/** The least that a lock file takes: open, lock, write who has it, unlock, close. All calls are synchronous. */
export class FileFloor implements Locker {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  lock(name: string): Acquire {
    const path = join(this.#folder, `${name}.floor`);
    return () => {
      const fd = openSync(path, flags, 0o666);
      return tryLock(fd) ? held(fd) : wait(fd);
    };
  }

  async close(): Promise<void> {}
}

function held(fd: number): Release {
  writeSync(fd, self, 0, self.length, 0);
  return () => {
    unlock(fd);
    closeSync(fd);
    return undefined;
  };
}

async function wait(fd: number): Promise<Release> {
  do await pause(1);
  while (!tryLock(fd));
  return held(fd);
}
