import { lstatSync, unlinkSync } from "node:fs";
import { CoordError, type BreakOptions, type BreakResult, type Clock } from "@coord/core/driver";
import { LockFile } from "./disk/lock-file.js";
import type { Place } from "./disk/places.js";
import { isAlive, type ProcessId } from "./disk/process-id.js";
import { infoOf, type HoldRecord } from "./records.js";
import type { Entrance } from "./entrance.js";
import type { Waits } from "./waits.js";

/** What breaking needs of a session. */
export interface Breaker {
  readonly clock: Clock;
  readonly waits: Waits;
  readonly entrance: Entrance;
  readonly self: ProcessId;
  /** How long a holder has to answer, in milliseconds: no lease of its ends. */
  readonly ttl: number;
}

/**
 * Asks the holders of a lock file to give it back, by a mark in their records and a touch of the
 * file, and waits until they have or are dead; or, by force, removes the file, so that who comes next
 * locks another one.
 */
export async function breakLock(
  place: Place,
  { token, force }: BreakOptions,
  breaker: Breaker,
): Promise<BreakResult> {
  const { path, records } = place;
  const { clock } = breaker;
  if (!(await isLocked(place, breaker.entrance, clock))) return { outcome: "free", holders: [] };
  const broken: HoldRecord[] = [];
  const mark = (hold: HoldRecord): HoldRecord => {
    const meant = token === undefined || hold.token === String(token);
    if (!meant || !mayHold(hold, breaker.self)) return hold;
    broken.push(hold);
    return { ...hold, broken: force ? "forced" : "asked" };
  };
  records.check(clock.hrtime());
  await records.change(clock, ({ token: last, holds }) => {
    broken.length = 0;
    const marked = holds.map(mark);
    // Under the lock of the records, so that it is the file of these holders that goes.
    if (force && (broken.length > 0 || token === undefined)) remove(path);
    return { token: last, holds: marked };
  });
  if (broken.length === 0 && token !== undefined) return { outcome: "free", holders: [] };
  const holders = broken.length > 0 ? broken.map(infoOf) : [{ member: "unknown" }];
  if (force) return { outcome: "forced", holders };
  touch(path, clock);
  return { outcome: await answerOf(place, broken, breaker), holders };
}

/** Waits until the holders' records are gone, or those who wrote them. */
async function answerOf(
  { path, records, queue }: Place,
  broken: readonly HoldRecord[],
  { clock, waits, self, ttl }: Breaker,
): Promise<"released" | "expired"> {
  const tokens = new Set(broken.map(({ token }) => token));
  const patience = new AbortController();
  const timer = clock.timer(ttl, () => patience.abort(noAnswer(path, ttl)));
  try {
    return await waits.until({
      path: queue.path,
      signal: patience.signal,
      look: () => {
        if (broken.length === 0) return hasGone(path) ? "released" : undefined;
        const left = records.read().filter((hold) => tokens.has(hold.token));
        if (left.length === 0) return "released";
        if (left.some((hold) => isHeld(hold, self))) return undefined;
        // Whether the others live cannot be known from here, but whether the lock is held can.
        const unknown = left.some((hold) => mayHold(hold, self));
        return unknown && !hasGone(path) ? undefined : "expired";
      },
      giveUp: () => {},
    });
  } finally {
    timer.cancel();
  }
}

/** Whether a record is of somebody who may still hold the lock. */
export function isHeld(hold: HoldRecord, self: ProcessId): boolean {
  return hold.broken !== "forced" && isAlive(hold, self) === true;
}

/** As `isHeld()`, and of somebody in another pid namespace, of whom that cannot be known. */
function mayHold(hold: HoldRecord, self: ProcessId): boolean {
  return hold.broken !== "forced" && isAlive(hold, self) !== false;
}

/** Whether anybody, also a program that is none of ours, has the file locked. */
export async function isLocked(place: Place, entrance: Entrance, clock: Clock): Promise<boolean> {
  if (!lstatSync(place.path, { throwIfNoEntry: false })) return false;
  const file = await entrance.try(place, false);
  if (!file) return true;
  file.unlock();
  place.lock.keep(file);
  place.tell(clock.wall());
  return false;
}

/** Whether a holder that we do not know, and cannot ask, has given the file back. */
function hasGone(path: string): boolean {
  const file = LockFile.open(path);
  try {
    return file.tryLock();
  } finally {
    file.close();
  }
}

function touch(path: string, clock: Clock): void {
  const file = LockFile.open(path);
  try {
    file.touch(clock.wall());
  } finally {
    file.close();
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

function noAnswer(path: string, ttl: number): CoordError {
  return new CoordError(
    "COORD_UNAVAILABLE",
    `The holder of ${path} was asked to give it back and did not answer within ${ttl} ms. Break it with { force: true }.`,
  );
}
