// What needs no vitest: for programs that measure or hammer, besides tests.
export { Certificates } from "./certificates.js";
export { Cable } from "./faults/cable.js";
export { WallClock } from "./faults/wall-clock.js";
export { LineProcess, type ProcessExit, type ProcessOptions } from "./process.js";
export type { RequestCounter, Traffic } from "./proxy/connection.js";
export { TcpProxy, type TcpProxyOptions } from "./proxy/proxy.js";
export type { Matcher, Swallowed } from "./proxy/swallow.js";
export type { Direction } from "./proxy/way.js";
export { Taker, type Taken, type TakerOptions } from "./takers.js";
export { freePort, PrivateServer, type PrivateServerOptions } from "./private-server.js";
