import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect, type CoordinatorOptions } from "@coord/core";
import { onAbort, type AcquireRequest, type Grant, type Session } from "@coord/core/driver";
import { file } from "@coord/file";
import { onTestFinished } from "vitest";

/** A folder that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coord-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The `backendUrl` for a folder. */
export function urlOf(folder: string): string {
  return pathToFileURL(folder).href;
}

/** A session of the driver itself, without core's queue. */
export async function sessionOf(
  folder: string,
  options: Omit<CoordinatorOptions, "drivers"> = {},
): Promise<Session> {
  let opened: Session | undefined;
  const open: typeof file.open = async (url, context) => {
    const session = await file.open(url, context);
    opened = session;
    return session;
  };
  const coordinator = await connect(urlOf(folder), { ...options, drivers: [{ ...file, open }] });
  onTestFinished(() => coordinator.stop());
  return opened!;
}

/** What core asks of a session. */
export function request(name: string, other: Partial<AcquireRequest> = {}): AcquireRequest {
  const { signal = new AbortController().signal } = other;
  const info = { member: "me" };
  const given = { owner: "me", mode: "exclusive", wait: true, info, ...other } as const;
  return { ...given, name, signal, onAbort: (callback) => onAbort(signal, callback) };
}

/** Acquires from a session what is free, or will be. */
export async function granted(session: Session, asked: AcquireRequest): Promise<Grant> {
  const answer = await session.acquire(asked);
  if ("busy" in answer) throw new Error(`${asked.name} is busy`);
  return answer;
}

/** How many files this process has open that have been removed since. */
export function removedFilesOpen(): number {
  return openFiles().filter((target) => target.endsWith(" (deleted)")).length;
}

/** How many watches of files this process has. */
export function watches(): number {
  let count = 0;
  for (const fd of readdirSync("/proc/self/fdinfo")) {
    try {
      count += readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").match(/^inotify /gm)?.length ?? 0;
    } catch {
      // The one of the folder that was just read is closed again.
    }
  }
  return count;
}

/** How many files below the folder this process has open. */
export function openBelow(folder: string): number {
  return openFiles().filter((target) => target.startsWith(`${folder}/`)).length;
}

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}
