import { readFileSync } from "node:fs";
import { isCoordError } from "@coord/core/driver";
import { ownFiles } from "../file-names.js";
import { Records } from "../records.js";
import { LockFile } from "./lock-file.js";

/** Of how many names, at most, files are kept open that nobody uses just now. */
const mostPlaces = 1024;
/** Of the descriptors a process may have, these may be open unused: one in so many. */
const shareOfLimit = 4;
const filesOfPlace = 4;

/** A file at a path that stays open while nobody uses it: opening costs more than locking. */
export class Spare {
  readonly path: string;
  readonly #open: (path: string) => LockFile;
  #file: LockFile | undefined;
  #closed = false;

  constructor(path: string, open: (path: string) => LockFile) {
    this.path = path;
    this.#open = open;
  }

  /**
   * A file that was at the path when it was opened, for the caller alone, and not locked. Others may
   * have removed it since. Throws COORD_UNAVAILABLE.
   */
  take(): LockFile {
    const file = this.#file;
    this.#file = undefined;
    return file ?? this.#open(this.path);
  }

  /** Takes back a file that is not locked. */
  keep(file: LockFile): void {
    if (this.#file || this.#closed) file.close();
    else this.#file = file;
  }

  /** Closes it unless the path leads to it. */
  check(): void {
    if (this.#file?.isCurrent() === false) this.empty();
  }

  empty(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  close(): void {
    this.empty();
    this.#closed = true;
  }
}

/** The files of one name, which a session opens once for many uses. */
export class Place {
  readonly lock: Spare;
  readonly queue: Spare;
  readonly gate: Spare;
  readonly records: Records;
  /** Since somebody last asked. */
  used = true;
  /** When the session last gave the lock back, in nanoseconds of the clock all processes share. */
  releasedAt = 0n;
  #users = 0;
  #closed = false;

  constructor(path: string, open: (path: string) => LockFile) {
    this.lock = new Spare(path, open);
    this.queue = new Spare(`${path}${ownFiles.queue}`, open);
    this.gate = new Spare(`${path}${ownFiles.gate}`, open);
    this.records = new Records(path, open);
  }

  /** The path of the lock file. */
  get path(): string {
    return this.lock.path;
  }

  /** Closes what the path does not lead to any more; lock and records are looked at whenever they are used. */
  check(): void {
    this.queue.check();
    this.gate.check();
  }

  /**
   * Wakes the one at the gate, after the lock was given back. Not by a touch of the lock file, at which
   * all who still hold it together would look.
   * @param wall milliseconds since 1970.
   */
  tell(wall: number): void {
    const queue = this.queue.take();
    queue.tell(wall);
    this.queue.keep(queue);
  }

  /** Somebody is going to use it, until `leave()`. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    if (this.#users === 0) this.rest();
  }

  /** After `close()`: closes the records and the queue, which are opened again for those who have yet to use them. */
  rest(): void {
    if (!this.#closed) return;
    this.queue.empty();
    this.records.close();
  }

  /** Closes what nobody uses just now: all is opened again when it is next needed. */
  empty(): void {
    for (const spare of [this.lock, this.queue, this.gate]) spare.empty();
    this.records.close();
  }

  /** As `empty()`, from now on; the queue and the records once all who entered have left. */
  close(): void {
    this.#closed = true;
    this.lock.close();
    this.gate.close();
    if (this.#users === 0) this.rest();
  }
}

/**
 * The places that a session used last. What is open is closed after a beat or two without use, when
 * too many others were used since, and when the process has no descriptors left.
 */
export class Places {
  readonly #pathOf: (name: string) => string;
  readonly #shed: () => void;
  readonly #places = new Map<string, Place>();
  readonly #most = Math.min(
    mostPlaces,
    Math.floor(descriptorLimit() / shareOfLimit / filesOfPlace),
  );
  #latest: { readonly name: string; readonly place: Place } | undefined;

  /** `shed` closes what else can be closed, when the process has no descriptors left. */
  constructor(pathOf: (name: string) => string, shed: () => void) {
    this.#pathOf = pathOf;
    this.#shed = shed;
  }

  at(name: string): Place {
    const latest = this.#latest;
    if (latest?.name === name) {
      latest.place.used = true;
      return latest.place;
    }
    const place = this.#places.get(name) ?? new Place(this.#pathOf(name), this.#open);
    place.used = true;
    // The one used longest ago stands first.
    this.#places.delete(name);
    this.#places.set(name, place);
    this.#latest = { name, place };
    if (this.#places.size > this.#most) this.#drop(this.#places.entries().next().value!);
    return place;
  }

  /** To be called once a beat. */
  beat(): void {
    for (const entry of this.#places) {
      const [, place] = entry;
      if (!place.used) this.#drop(entry);
      else place.check();
      place.used = false;
    }
  }

  close(): void {
    for (const entry of this.#places) this.#drop(entry);
  }

  #drop([name, place]: readonly [string, Place]): void {
    this.#places.delete(name);
    if (this.#latest?.place === place) this.#latest = undefined;
    place.close();
  }

  readonly #open = (path: string): LockFile => {
    try {
      return LockFile.open(path);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      for (const place of this.#places.values()) place.empty();
      this.#shed();
      return LockFile.open(path);
    }
  };
}

/** How many descriptors this process may have; few where the system does not say. */
function descriptorLimit(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return 1024;
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  const cause = isCoordError(error) ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && /^E[MN]FILE$/.test(String(cause.code));
}
