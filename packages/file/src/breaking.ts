import { lstatSync, unlinkSync } from "node:fs";
import { CoordError, type BreakOptions, type BreakResult, type Clock } from "@coord/core/driver";
import { LockFile } from "./disk/lock-file.js";
import { isAlive, type ProcessId } from "./disk/process-id.js";
import { infoOf, Records, type HoldRecord } from "./records.js";
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
  path: string,
  { token, force }: BreakOptions,
  breaker: Breaker,
): Promise<BreakResult> {
  if (!(await isLocked(path, breaker.entrance))) return { outcome: "free", holders: [] };
  const records = new Records(path);
  const broken: HoldRecord[] = [];
  const mark = (hold: HoldRecord): HoldRecord => {
    const meant = token === undefined || hold.token === String(token);
    if (!meant || !isHeld(hold, breaker.self)) return hold;
    broken.push(hold);
    return { ...hold, broken: force ? "forced" : "asked" };
  };
  await records.change(breaker.clock, ({ token: last, holds }) => {
    broken.length = 0;
    const marked = holds.map(mark);
    // Under the lock of the records, so that it is the file of these holders that goes.
    if (force && (broken.length > 0 || token === undefined)) remove(path);
    return { token: last, holds: marked };
  });
  if (broken.length === 0 && token !== undefined) return { outcome: "free", holders: [] };
  const holders = broken.length > 0 ? broken.map(infoOf) : [{ member: "unknown" }];
  if (force) return { outcome: "forced", holders };
  touch(path);
  return { outcome: await answerOf(path, records, broken, breaker), holders };
}

/** Waits until the holders' records are gone, or those who wrote them. */
async function answerOf(
  path: string,
  records: Records,
  broken: readonly HoldRecord[],
  { clock, waits, self, ttl }: Breaker,
): Promise<"released" | "expired"> {
  const tokens = new Set(broken.map(({ token }) => token));
  const patience = new AbortController();
  const timer = clock.timer(ttl, () => patience.abort(noAnswer(path, ttl)));
  try {
    return await waits.until({
      path,
      signal: patience.signal,
      look: () => {
        if (broken.length === 0) return hasGone(path) ? "released" : undefined;
        const left = records.read().filter((hold) => tokens.has(hold.token));
        if (left.length === 0) return "released";
        return left.some((hold) => isHeld(hold, self)) ? undefined : "expired";
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

/** Whether anybody, also a program that is none of ours, has the file locked. */
export async function isLocked(path: string, entrance: Entrance): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })) return false;
  const file = await entrance.try(path, false);
  file?.release();
  return !file;
}

/** Whether a holder that we do not know, and cannot ask, has given the file back. */
function hasGone(path: string): boolean {
  const { file, locked } = LockFile.openAndTry(path);
  if (locked) file.release();
  else file.close();
  return locked;
}

function touch(path: string): void {
  const file = LockFile.open(path);
  try {
    file.touch();
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
