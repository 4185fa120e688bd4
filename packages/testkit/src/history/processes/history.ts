import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Habits } from "../client.js";
import { inOrder, type BeginLine, type FaultLine, type Limits, type Line } from "../events.js";
import { randomOf } from "../random.js";
import type { HistorySubject, Place, PlaceFault } from "../subject.js";
import { Crew } from "./crew.js";
import type { Ready } from "./orders.js";
import { describe, plan, type Planned } from "./schedule.js";

/** What a history of processes is of. */
export interface ProcessesOptions {
  readonly seed: number;
  /** For how many milliseconds things go wrong; then all that was asked for is waited for. @default 6_000 */
  readonly ms?: number;
  /** How many processes. @default 4 */
  readonly processes?: number;
  /** Whether holds are taken away at the backend, too. @default whether the seed is odd */
  readonly revoking?: boolean;
}

const ways = 4;

/**
 * Plays a history of processes that take locks in turns while they are killed and paused, and while
 * all happens to the backend that its place offers. The seed says what is done and when; what comes
 * of it is in the lines, and no two histories are the same. Rejects, with what it printed, when a
 * process fails otherwise than by being killed.
 */
export async function processHistory(
  subject: HistorySubject,
  options: ProcessesOptions,
): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), "coord-history-"));
  try {
    await using place = await subject.open();
    const history = new ProcessHistory(subject, place, options, folder);
    await using _ = history.crew;
    return await history.play();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class ProcessHistory {
  readonly crew: Crew;
  readonly #backend: string;
  readonly #place: Place;
  readonly #seed: number;
  readonly #ms: number;
  readonly #count: number;
  readonly #revoking: boolean;
  readonly #ttl: number;
  readonly #habits: Habits;
  readonly #lines: Line[] = [];
  readonly #lasting = new Set<string>();

  constructor(
    subject: HistorySubject,
    place: Place,
    { seed, ms = 6_000, processes = ways, revoking = seed % 2 === 1 }: ProcessesOptions,
    folder: string,
  ) {
    this.#backend = subject.backend;
    this.#place = place;
    this.#seed = seed;
    this.#ms = ms;
    this.#count = processes;
    this.#revoking = revoking;
    this.#ttl = subject.options?.ttl ?? 2_000;
    this.#habits = {
      names: ["a", "b", "c"],
      clients: 3,
      restMs: 20,
      workMs: 20,
      longMs: 1.5 * this.#ttl,
      lookMs: 4,
      patientMs: 100,
    };
    this.crew = new Crew({
      subject,
      place,
      habits: this.#habits,
      seed,
      folder,
      patience: 30_000,
      fault: (line) => this.#lines.push({ t: now(), event: "fault", ...line }),
    });
  }

  async play(): Promise<Line[]> {
    const beganAt = now();
    const targets = { ways: this.#count, names: this.#habits.names, ttl: this.#ttl };
    const schedule = plan(randomOf(this.#seed), this.#ms, this.#place, targets, this.#revoking);
    const starting = Array.from({ length: this.#count }, (_, way) => this.crew.start(way));
    const [ready] = await Promise.all(starting);
    if (!ready) throw new Error("A history needs a process. Give one or more.");
    this.#lines.push(this.#begin(beganAt, ready, schedule));
    const faults = await Promise.allSettled(schedule.map((planned) => this.#carryOut(planned)));
    for (const fault of faults) if (fault.status === "rejected") throw fault.reason;
    if ((await this.crew.end()) && (await this.#takeAll()) && this.#place.leftovers) {
      const counts = await this.#place.leftovers();
      this.#lines.push({ t: now(), pid: 0, event: "left", counts });
    }
    // Whoever still waits has waited for too long until here.
    this.#lines.push({ t: now(), pid: 0, event: "end" });
    await this.crew[Symbol.asyncDispose]();
    return inOrder([...this.#lines, ...this.crew.lines()]);
  }

  #begin(t: string, { fair, crashReleaseMs }: Ready, schedule: readonly Planned[]): BeginLine {
    const recoverMs = crashReleaseMs + this.#ttl + 2_000;
    const limits: Limits = { patienceMs: 100, recoverMs, waitMs: 10_000 };
    const told = schedule.map(describe);
    const [backend, seed] = [this.#backend, this.#seed];
    return { t, pid: 0, event: "begin", backend, seed, fair, limits, schedule: told };
  }

  async #carryOut(planned: Planned): Promise<void> {
    await delay(planned.at);
    const { what } = planned;
    if (what === "kill") return this.crew.kill(planned);
    if (what === "pause") return this.crew.pause(planned, (ms) => delay(ms));
    return this.#disturb(what, planned);
  }

  async #disturb(what: PlaceFault, planned: Planned): Promise<void> {
    const { kind, class: of } = what;
    const whom = { way: `${kind} ${planned.way}`, name: `${kind} ${planned.name}`, all: kind };
    // The end of the one would be the end of the other.
    if (this.#lasting.has(whom[what.of])) return;
    this.#lasting.add(whom[what.of]);
    const fault: Omit<FaultLine, "t" | "event" | "phase"> = {
      pid: what.of === "way" ? this.crew.pid(planned.way) : 0,
      kind,
      class: of,
      ...(what.of === "name" ? { name: planned.name } : {}),
    };
    const note = (phase: "begin" | "end"): void => {
      this.#lines.push({ t: now(), event: "fault", ...fault, phase });
    };
    note("begin");
    await what.begin(planned);
    if (what.end) {
      await delay(planned.ms);
      await what.end(planned);
    }
    note("end");
    this.#lasting.delete(whom[what.of]);
  }

  /** Whoever comes new gets every lock: nothing of those before is in the way. */
  async #takeAll(): Promise<boolean> {
    await this.crew.start(0, true);
    return this.crew.end();
  }
}

function now(): string {
  return String(process.hrtime.bigint());
}
