export { testContract, testDriver } from "./contract.js";
export type { Faults, Subject } from "./contract/rig.js";
export { testFaults } from "./faults.js";
export type { NetworkFaults, ServerFaults } from "./faults/network.js";
export * from "./tools.js";
