import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** What tells one process from all others on a machine, also from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the kernel's ticks since boot; "" where the kernel does not say. */
  readonly started: string;
  /** This boot of the machine and, where there are such, the namespace that counts the pids. */
  readonly scope: string;
}

/** This process. */
export function thisProcess(): ProcessId {
  return {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid) ?? "",
    scope: scope(),
  };
}

/** Whether the process still runs; undefined where that cannot be known from here. */
export function isAlive(other: ProcessId, self: ProcessId): boolean | undefined {
  if (other.scope !== self.scope || other.host !== self.host) return undefined;
  if (self.started !== "") return startOf(other.pid) === other.started;
  try {
    process.kill(other.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The start of a process that runs, as Linux tells it. */
function startOf(pid: number): string | undefined {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The second field, the program's name in parentheses, may itself contain spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields?.[0], fields?.[19]];
  return state === "Z" || state === "X" ? undefined : started;
}

function scope(): string {
  const boot = read(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim());
  const pids = read(() => readlinkSync("/proc/self/ns/pid"));
  return `${boot ?? ""} ${pids ?? ""}`;
}

function read(get: () => string): string | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
