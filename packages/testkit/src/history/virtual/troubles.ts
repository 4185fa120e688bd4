import type { Coordinator } from "@coord/core";
import type { MemoryDriver, VirtualClock } from "@coord/core/memory";
import type { FaultClass, FaultLine } from "../events.js";
import { oneOf, type Random } from "../random.js";
import type { Machine } from "./machine.js";

/** What can go wrong in a history in virtual time. */
export interface World {
  readonly clock: VirtualClock;
  readonly backend: MemoryDriver;
  readonly random: Random;
  readonly names: readonly string[];
  readonly ttl: number;
  /** Those that are alive. */
  machines(): readonly { readonly machine: Machine; readonly coordinator: Coordinator }[];
  /** Kills one and starts another in its place. */
  replace(machine: Machine): void;
  fault(line: Omit<FaultLine, "t" | "event">): void;
  /** For people. */
  planned(what: string): void;
}

type Trouble = (world: World) => void;

/** Faults of time. */
const ofTime: readonly Trouble[] = [
  pause,
  pause,
  pause,
  kill,
  cut,
  cut,
  loseReply,
  lateReply,
  step,
];

/** Those that take away what is held, or ask for it. */
const revoking: readonly Trouble[] = [lose, revoke, break_, break_];

/** Lets something go wrong, of the faults of time or of all. */
export function trouble(world: World, isRevoking: boolean): void {
  const choices = isRevoking ? [...ofTime, ...revoking, ...revoking] : ofTime;
  oneOf(world.random, choices)(world);
}

function pause(world: World): void {
  const { machine } = oneOf(world.random, world.machines());
  if (!machine.running) return;
  const ms = world.random(2.5 * world.ttl);
  const { pid } = machine;
  during(world, { pid, kind: "pause", class: "time" }, ms, () => machine.resume());
  machine.pause();
}

function kill(world: World): void {
  const { machine } = oneOf(world.random, world.machines());
  const { pid } = machine;
  const fault = { pid, kind: "kill", class: "time" } as const;
  world.planned(`kill ${pid}`);
  world.fault({ ...fault, phase: "begin" });
  machine.kill();
  world.fault({ ...fault, phase: "end" });
  world.replace(machine);
}

function cut(world: World): void {
  const ms = world.random(1.5 * world.ttl);
  during(world, { pid: 0, kind: "cut", class: "time" }, ms, () => world.backend.up());
  world.backend.down();
}

const operations = ["beat", "beat", "acquire", "acquire", "release", "inspect", "open"] as const;

function loseReply(world: World): void {
  const operation = oneOf(world.random, operations);
  const nth = 1 + world.random(3);
  once(world, `reply to ${operation} lost`, "time", 0);
  world.backend.dropReply(operation, nth);
}

function lateReply(world: World): void {
  const operation = oneOf(world.random, operations);
  const ms = world.random(world.ttl);
  once(world, `reply to ${operation} late`, "time", 0);
  world.backend.delayReply(operation, ms, 1 + world.random(3));
}

function step(world: World): void {
  const { machine } = oneOf(world.random, world.machines());
  once(world, "step", "time", machine.pid);
  machine.step(world.random(7_200_000) - 3_600_000);
}

function lose(world: World): void {
  const { machine, coordinator } = oneOf(world.random, world.machines());
  once(world, "session lost", "revoked", machine.pid, () =>
    world.backend.lose(coordinator.memberId),
  );
}

function revoke(world: World): void {
  const name = oneOf(world.random, world.names);
  once(world, "revoke", "revoked", 0, () => world.backend.revoke(name), name);
}

/** Asked of one that may not reach the backend now, it may happen at any time until it is answered. */
function break_(world: World): void {
  const { coordinator } = oneOf(world.random, world.machines());
  if (!coordinator.started) return;
  const name = oneOf(world.random, world.names);
  const force = world.random(2) === 0;
  const what = { pid: 0, name, kind: force ? "forced break" : "break" };
  const fault = { ...what, class: force ? "revoked" : "asked" } as const;
  world.planned(`${fault.kind} of ${name}`);
  world.fault({ ...fault, phase: "begin" });
  const over = (): void => world.fault({ ...fault, phase: "end" });
  // Where nobody can say whether it was done, it may be as long as its session lives.
  const unknown = (): void => void world.clock.timer(3 * world.ttl, over);
  coordinator.getLock(name).break({ force }).then(over, unknown);
}

function once(
  world: World,
  kind: string,
  of: FaultClass,
  pid: number,
  make: () => void = () => {},
  name?: string,
): void {
  const fault = { pid, kind, class: of, ...(name === undefined ? {} : { name }) };
  world.planned([kind, name, pid || undefined].filter((word) => word !== undefined).join(" "));
  world.fault({ ...fault, phase: "begin" });
  make();
  world.fault({ ...fault, phase: "end" });
}

function during(
  world: World,
  fault: Pick<FaultLine, "pid" | "kind" | "class">,
  ms: number,
  over: () => void,
): void {
  world.planned(`${fault.kind}${fault.pid ? ` ${fault.pid}` : ""} for ${ms} ms`);
  world.fault({ ...fault, phase: "begin" });
  world.clock.timer(ms, () => {
    world.fault({ ...fault, phase: "end" });
    over();
  });
}
