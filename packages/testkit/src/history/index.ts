/**
 * Histories: processes, or machines in virtual time, take locks in turns while a schedule drawn from
 * a seed kills, pauses and cuts them; what each of them saw is judged afterwards, as Jepsen does.
 * Nothing here needs vitest.
 */
export { check } from "./check.js";
export { checkHistories, checkVirtualHistories, save, type WhichSeeds } from "./check-histories.js";
export { fromText, toText } from "./events.js";
export type {
  AliveLine,
  AskLine,
  BeginLine,
  EndLine,
  FaultClass,
  FaultLine,
  GrantedLine,
  LeftLine,
  Limits,
  Line,
  LostLine,
  RefusedLine,
  RequestLine,
  StateLine,
  StepLine,
} from "./events.js";
export { processHistory, type ProcessesOptions } from "./processes/history.js";
export { randomOf, type Random } from "./random.js";
export { describeSummary, reportOf } from "./report.js";
export type { Mark, Request } from "./story.js";
export type { HistorySubject, Place, PlaceFault } from "./subject.js";
export { addTo, emptySummary, type Summary } from "./summary.js";
export type { RuleName, Violation } from "./violation.js";
export { virtualHistory, type VirtualOptions } from "./virtual/history.js";
export { Ways } from "./ways.js";
