import { concerns, givenUp, Robbed } from "./belief.js";
import type { Line } from "./events.js";
import { exclude, grantedByName, readStory, type Granted, type Mark, type Story } from "./story.js";

/** What histories had in them. All durations are milliseconds. */
export interface Summary {
  histories: number;
  /** How often something was granted. */
  turns: number;
  asked: number;
  refused: number;
  lost: number;
  /** How often each kind of fault was made. */
  readonly faults: Map<string, number>;
  /**
   * Of holds that ended by faults of time, by the last such fault before the next grant: from the
   * last passed `assertHeld()` to that grant.
   */
  readonly margins: Map<string, number[]>;
  /** The same from the signal on, where that fired before. */
  readonly signals: Map<string, number[]>;
  /** Of holds that were taken away or asked back, by how: until their holder was told. */
  readonly news: Map<string, number[]>;
}

/** Of no histories. */
export function emptySummary(): Summary {
  return {
    histories: 0,
    turns: 0,
    asked: 0,
    refused: 0,
    lost: 0,
    faults: new Map(),
    margins: new Map(),
    signals: new Map(),
    news: new Map(),
  };
}

/** Adds a history to a summary. */
export function addTo(summary: Summary, lines: readonly Line[]): void {
  const story = readStory(lines);
  const granted = grantedByName(story);
  summary.histories += 1;
  for (const { granted: isGranted, refused, told } of story.requests) {
    summary.asked += 1;
    summary.turns += isGranted ? 1 : 0;
    summary.refused += refused ? 1 : 0;
    summary.lost += told ? 1 : 0;
  }
  for (const { kind } of story.faults) {
    summary.faults.set(kind, (summary.faults.get(kind) ?? 0) + 1);
  }
  const robbed = new Robbed(story);
  for (const holds of granted.values()) {
    const inOrder = holds.toSorted((a, b) => a.granted.index - b.granted.index);
    for (const hold of holds) {
      const wasAsked = hold.reason === "broken" || hold.reason === "taken";
      if (wasAsked || robbed.since(hold) < Infinity) addNews(summary, story, hold);
      else addMargin(summary, story, hold, inOrder);
    }
  }
}

function addNews({ news }: Summary, { faults }: Story, hold: Granted): void {
  const { told } = hold;
  const fault = faults.find((one) => one.class !== "time" && concerns(one, hold));
  if (told && fault) put(news, fault.kind, told.at - fault.begin.at);
}

function addMargin(
  { margins, signals }: Summary,
  story: Story,
  hold: Granted,
  inOrder: readonly Granted[],
): void {
  const { lastHeld, told, release } = hold;
  const wasReleased = release !== undefined && givenUp(hold) === release.index;
  if (!lastHeld || wasReleased) return;
  const next = inOrder.find(
    (other) => other.granted.index > lastHeld.index && exclude(hold, other),
  );
  const kind = next && causeOf(story, hold, next.granted);
  if (!next || !kind) return;
  put(margins, kind, next.granted.at - lastHeld.at);
  if (told && told.index < next.granted.index) put(signals, kind, next.granted.at - told.at);
}

/** The last fault of time, of those that may have ended the hold. */
function causeOf({ faults }: Story, { pid, granted }: Granted, next: Mark): string | undefined {
  const causes = faults.filter(
    (fault) =>
      fault.class === "time" &&
      (fault.pid === 0 || fault.pid === pid) &&
      fault.begin.index < next.index &&
      (fault.end?.index ?? Infinity) > granted.index,
  );
  return causes.at(-1)?.kind;
}

function put(map: Map<string, number[]>, kind: string, value: number): void {
  const values = map.get(kind);
  if (values) values.push(value);
  else map.set(kind, [value]);
}
