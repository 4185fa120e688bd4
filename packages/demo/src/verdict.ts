import { inTime, neighbours, turnAfterKill, type Hold, type Run } from "./run.js";

/** One thing that was promised, and what was wrong with it, if anything. */
export interface Check {
  readonly promise: string;
  readonly fault?: string;
}

/** Compares a run with what a lock promises. */
export function verdict(run: Run): Check[] {
  return [
    check("no addition was lost", additions(run)),
    check("no token was given twice", uniqueTokens(run)),
    check("every turn has a greater token than the turn before", growingTokens(run)),
    check("no two processes held the lock at once", overlaps(run)),
    check("after the kill another went on where it was, with a greater token", takeover(run)),
    check("all processes but the killed one ended by themselves", endings(run)),
  ];
}

/** What was promised, together with what was wrong with it. */
export function check(promise: string, fault: string | undefined): Check {
  return fault === undefined ? { promise } : { promise, fault };
}

/** Whether the number and the turns that were reported are as many as there had to be. */
export function additions({
  expected,
  final,
  turns,
}: Pick<Run, "expected" | "final" | "turns">): string | undefined {
  if (final !== expected) return `the file says ${final}, not ${expected}`;
  if (turns.length !== expected) return `${turns.length} turns were reported, not ${expected}`;
  return undefined;
}

function uniqueTokens({ turns, killed }: Run): string | undefined {
  const owners = new Map<bigint, Hold>();
  for (const hold of [...turns, killed]) {
    const owner = owners.get(hold.token);
    if (owner) return `process ${owner.process} and process ${hold.process} had ${hold.token}`;
    owners.set(hold.token, hold);
  }
  return undefined;
}

function growingTokens({ turns }: Run): string | undefined {
  const written = turns.toSorted((one, other) => one.wrote - other.wrote);
  for (const [before, after] of neighbours(written)) {
    if (before.wrote === after.wrote) return `two turns wrote ${after.wrote}`;
    if (before.token >= after.token) {
      return `${before.wrote} has ${before.token}, but ${after.wrote} has ${after.token}`;
    }
  }
  return undefined;
}

function overlaps({ turns, killed }: Run): string | undefined {
  for (const [before, after] of neighbours(inTime<Hold>([...turns, killed]))) {
    if (after.from <= before.to) {
      const both = `process ${before.process} and process ${after.process}`;
      return `${both} did, with tokens ${before.token} and ${after.token}`;
    }
  }
  return undefined;
}

function takeover(run: Run): string | undefined {
  const { token, read } = run.killed;
  const next = turnAfterKill(run);
  if (next === undefined) return "nobody got the lock afterwards";
  if (next.token <= token) return `the killed one had ${token}, the next ${next.token}`;
  if (next.wrote !== read + 1)
    return `the killed one had read ${read}, the next wrote ${next.wrote}`;
  return undefined;
}

function endings({ ends, killed }: Run): string | undefined {
  for (const { process, code, signal } of ends) {
    const asItShould = process === killed.process ? signal === "SIGKILL" : code === 0;
    if (!asItShould) return `process ${process} ended with ${signal ?? `code ${code}`}`;
  }
  return undefined;
}
