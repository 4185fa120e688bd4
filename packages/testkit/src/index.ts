export { testDriver } from "./contract.js";
export type { Faults, Subject } from "./contract/rig.js";
export { LineProcess, type ProcessExit, type ProcessOptions } from "./process.js";
export { Taker, type Taken, type TakerOptions } from "./takers.js";
