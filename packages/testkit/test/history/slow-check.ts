import type { FaultLine, Line } from "@coord/testkit/history";

/** A line, and its place in order of time. */
type Placed<Some extends Line = Line> = Some & { readonly place: number; readonly ms: number };

type Steps = Partial<Record<"ask" | "queued" | "granted" | "lost" | "refused", Placed>> &
  Partial<Record<"abort" | "release" | "released", Placed>> & {
    readonly key: string;
    readonly pid: number;
    readonly name: string;
    readonly shared: boolean;
    readonly held: Placed[];
    readonly asked: Placed;
    readonly wait: number;
    readonly token: bigint;
  };

interface Fault {
  readonly begin: Placed<FaultLine>;
  readonly end: Placed<FaultLine> | undefined;
}

/**
 * What `check()` is to find, looked for in the plainest way, however long that takes: every hold with
 * every other, at every line. Gives the rule and the request that it happened to, `rule pid/hold`.
 */
export function slowCheck(written: readonly Line[]): string[] {
  const begin = written.find((line) => line.event === "begin");
  if (!begin) throw new Error("no beginning");
  const { limits, fair } = begin;
  const lines: Placed[] = written
    .map((line, place) => ({ ...line, place, ms: Number(line.t) / 1e6 }))
    .sort((a, b) => a.ms - b.ms || a.place - b.place)
    .map((line, place) => ({ ...line, place }));
  const requests = requestsIn(lines);
  const holds = requests.filter((request) => request.granted);
  const faults = faultsIn(lines);
  const found = new Set<string>();

  const after = (a: Placed | undefined, b: Placed | undefined): boolean =>
    a !== undefined && b !== undefined && a.place > b.place;
  const exclude = (a: Steps, b: Steps): boolean =>
    a !== b && a.name === b.name && !(a.shared && b.shared);
  const hit = ({ begin: first, end: last }: Fault, hold: Steps): boolean =>
    (first.pid === 0 || first.pid === hold.pid) &&
    (first.name === undefined || first.name === hold.name) &&
    !after(first, hold.released) &&
    !after(first, hold.lost) &&
    !(last && after(hold.asked, last));
  const robbers = (hold: Steps): Fault[] =>
    faults.filter((fault) => fault.begin.class === "revoked" && hit(fault, hold));
  const robbedBetween = (a: Steps, b: Steps): boolean =>
    robbers(a).some((fault) => after(b.granted, fault.begin)) ||
    robbers(b).some((fault) => after(a.granted, fault.begin));

  // Overlap: who is believed at each line.
  const believed = (hold: Steps, now: Placed): boolean => {
    const last = hold.held.at(-1);
    if (!last || !hold.held.some((held) => held.place <= now.place)) return false;
    if (last.place >= now.place) return true;
    const isStopped = faults.some(
      ({ begin: { kind, pid, place }, end: over }) =>
        (kind === "kill" || kind === "pause") &&
        pid === hold.pid &&
        place <= now.place &&
        !after(last, over),
    );
    const isSilent = !hold.lost && !hold.release;
    return isSilent && !isStopped && now.ms <= last.ms + limits.patienceMs;
  };
  for (const now of lines) {
    const all = holds.filter((hold) => believed(hold, now));
    for (const a of all) {
      for (const b of all) {
        if (!exclude(a, b) || robbedBetween(a, b) || !after(b.held[0], a.held[0])) continue;
        found.add(`overlap ${b.key}`);
      }
    }
  }

  // Tokens, signals and order: every hold with every other.
  for (const a of holds) {
    for (const b of holds) {
      if (a === b || a.name !== b.name || (a.shared && b.shared)) continue;
      const isLater =
        after(b.asked, a.granted) ||
        (after(b.held[0], a.held[0]) && robbers(a).length === 0 && robbers(b).length === 0);
      if (isLater && b.token <= a.token) found.add(`tokens ${b.key}`);

      const isNext = after(b.granted, a.granted) && !robbedBetween(a, b);
      for (const turn of lines) {
        if (!isNext || turn.event !== "alive" || turn.pid !== a.pid) continue;
        const ended = after(turn, a.lost) || after(turn, a.release);
        if (!ended && Number(turn.since) / 1e6 > (b.granted?.ms ?? 0)) found.add(`signal ${a.key}`);
      }

      const meanwhile = (first: Placed, last: Placed | undefined): boolean =>
        !after(first, a.granted) && !(last && !after(last, a.asked));
      const trouble =
        faults.some(
          (fault) =>
            (fault.begin.pid === 0 || fault.begin.pid === a.pid) &&
            meanwhile(fault.begin, fault.end),
        ) ||
        lines.some((line) => line.event === "state" && line.pid === a.pid && meanwhile(line, line));
      const cameLater = a.pid === b.pid ? after(b.asked, a.asked) : after(b.asked, a.queued);
      const counts = a.pid === b.pid || (fair && !trouble);
      if (cameLater && counts && after(a.granted, b.granted) && a.wait > 0) {
        found.add(`order ${a.key}`);
      }
    }
  }

  for (const hold of holds) {
    const isTaken = hold.lost?.event === "lost" && /^(taken|broken)$/.test(hold.lost.reason);
    const meant = faults.some((fault) => fault.begin.class !== "time" && hit(fault, hold));
    if (isTaken && !meant) found.add(`taken ${hold.key}`);
  }

  // Starvation: one millisecond after another; all times are whole.
  const over = lines.findLast(({ event }) => event !== "left")?.ms ?? 0;
  const end = lines.find(({ event }) => event === "end")?.ms ?? over;
  for (const request of requests) {
    const deadline = Math.min(request.asked.ms + request.wait, request.abort?.ms ?? Infinity);
    const from = deadline === Infinity ? request.asked.ms : deadline;
    const killed = faults.find(
      (fault) => fault.begin.kind === "kill" && fault.begin.pid === request.pid,
    );
    const answer = request.granted ?? request.refused;
    const until = answer ? answer.ms : Math.min(end, killed?.begin.ms ?? Infinity);
    let quiet = 0;
    for (let ms = from; ms < until; ms++) {
      const isOut = faults.some((fault) => {
        const last = fault.begin.kind === "kill" ? fault.begin : fault.end;
        return ms >= fault.begin.ms && ms < (last?.ms ?? Infinity) + limits.recoverMs;
      });
      if (!isOut) quiet += 1;
    }
    if (quiet > limits.waitMs) found.add(`starvation ${request.key}`);
  }
  return [...found].toSorted();
}

function requestsIn(lines: readonly Placed[]): Steps[] {
  const requests = new Map<string, Record<string, unknown> & { held: Placed[] }>();
  for (const line of lines) {
    if (!("hold" in line)) continue;
    const key = `${line.pid}/${line.hold}`;
    if (line.event === "ask") {
      requests.set(key, {
        key,
        pid: line.pid,
        name: line.name,
        shared: line.mode === "shared",
        held: [],
        asked: line,
        wait: line.wait ?? Infinity,
      });
    }
    const request = requests.get(key);
    if (!request) throw new Error(`nobody asked for ${key}`);
    if (line.event === "held") request.held.push(line);
    else request[line.event] ??= line;
    if (line.event === "granted") request["token"] = BigInt(line.token);
  }
  return [...requests.values()] as unknown as Steps[];
}

function faultsIn(lines: readonly Placed[]): Fault[] {
  const all = lines.filter((line): line is Placed<FaultLine> => line.event === "fault");
  const ends = all.filter(({ phase }) => phase === "end");
  return all
    .filter(({ phase }) => phase === "begin")
    .map((begin) => {
      const same = (one: FaultLine): boolean =>
        one.kind === begin.kind && one.pid === begin.pid && one.name === begin.name;
      const end = ends.find((one) => same(one) && one.place > begin.place);
      if (end) ends.splice(ends.indexOf(end), 1);
      return { begin, end };
    });
}
