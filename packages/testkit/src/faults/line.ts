import type { Gate } from "../contract/gate.js";
import type { TcpProxy } from "../proxy/proxy.js";

/** The way between one client and the backend. */
export interface Line {
  /** The proxy, if it leads over a network. */
  readonly proxy: TcpProxy | undefined;
  /** Nothing passes until `heal()`. */
  stall(): void;
  /** What there is of connections is broken, and no other can be made until `heal()`. */
  cut(): void;
  heal(): void;
}

/** A line over a network. */
export function lineOf(proxy: TcpProxy): Line {
  return {
    proxy,
    stall: () => proxy.stall(),
    cut: () => proxy.cut(),
    heal: () => proxy.heal(),
  };
}

/** A line in this process, which has no connections: cut or stalled is the same to it. */
export function lineThrough(gate: Gate): Line {
  return {
    proxy: undefined,
    stall: () => gate.shut(),
    cut: () => gate.shut(),
    heal: () => gate.open(),
  };
}

/** Ways to keep client and server from hearing of each other, all of which a lease has to survive. */
export const breaks: Readonly<Record<string, (line: Line) => void>> = {
  "is cut": (line) => line.cut(),
  "is stalled": (line) => line.stall(),
  "is stalled on the way to the server": (line) => line.proxy?.stall("toServer"),
  "is stalled on the way back": (line) => line.proxy?.stall("toClient"),
  "is a minute late": (line) => line.proxy?.delay(60_000),
  "lets one byte through in a second": (line) => line.proxy?.throttle(1),
};
