/**
 * What the toy's server knows: sessions that end when it did not hear of them for their ttl, by its own
 * clock, and for each name of a space a fair queue of those who hold it and those who wait.
 */
import type { Ask, Broken, Info, Operation, Operations, Push, Standing } from "./wire.js";

/** A client, for as long as it is heard of. */
export class Session {
  readonly id: string;
  readonly space: string;
  readonly owned = new Map<string, Entry>();
  /** Tells the client something unasked; by the newest of its sockets. */
  tell: (push: Push) => void = () => {};
  /** The number of that socket. */
  socket = 0;
  readonly #ttl: number;
  #endsAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(id: string, { space, ttl }: Operations["open"]["ask"]) {
    this.id = id;
    this.space = space;
    this.#ttl = ttl;
    sessions.set(id, this);
    this.renew();
  }

  /** The session, if it has not ended; its timer may be late, because this process stood still. */
  static find(id: string): Session | undefined {
    const session = sessions.get(id);
    if (session && session.#endsAt <= now()) session.end("expired");
    return sessions.get(id);
  }

  renew(endsAt = now() + this.#ttl): void {
    this.#endsAt = endsAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end("expired"), endsAt - now());
  }

  saved(): Saved["sessions"][number] {
    const { id, space, socket } = this;
    return { id, space, socket, ttl: this.#ttl, endsAt: this.#endsAt };
  }

  end(how: How): void {
    sessions.delete(this.id);
    clearTimeout(this.#timer);
    for (const entry of this.owned.values()) remove(entry, how);
  }
}

/** What a session can ask. */
export const answers: {
  [Op in Exclude<Operation, "open">]: (
    session: Session,
    ask: Operations[Op]["ask"],
  ) => Operations[Op]["answer"] | Promise<Operations[Op]["answer"]>;
} = {
  beat: (session) => {
    session.renew();
    return { owned: [...session.owned.values()].map(standing) };
  },
  acquire: (session, ask) => {
    const entry = session.owned.get(ask.owner) ?? enter(session, ask);
    if (entry.token !== undefined || ask.wait) return standing(entry);
    remove(entry, "released");
    return { busy: holders(session.space, ask.name).map(infoOf) };
  },
  release: (session, { owner }) => {
    const entry = session.owned.get(owner);
    if (entry) remove(entry, "released");
    return { how: entry ? "released" : "gone" };
  },
  inspect: ({ space }, { name }) => {
    const waiting = line(space, name).filter(({ token }) => token === undefined);
    return { holders: holders(space, name).map(infoOf), waiters: waiting.map(infoOf) };
  },
  break: async ({ space }, { name, token, force }): Promise<Broken> => {
    const held = holders(space, name).filter(
      (entry) => token === undefined || String(entry.token) === token,
    );
    const whose = held.map(infoOf);
    for (const entry of held) {
      entry.broken = true;
      tell(entry, { owner: entry.ask.owner, lost: "broken" });
      if (force) remove(entry, "released");
    }
    const how = await Promise.all(held.map(({ gone }) => gone));
    const asked = how.includes("expired") ? "expired" : "released";
    return { outcome: held.length === 0 ? "free" : force ? "forced" : asked, holders: whose };
  },
  close: (session) => {
    session.end("released");
    return {};
  },
};

/** Takes a lock from whoever holds it, as an administrator. */
export function revoke(space: string, name: string): void {
  for (const entry of holders(space, name)) {
    tell(entry, { owner: entry.ask.owner, lost: "taken" });
    remove(entry, "released");
  }
}

/** All that is known, for a server that comes after this one. */
export interface Saved {
  readonly sessions: readonly {
    id: string;
    space: string;
    ttl: number;
    endsAt: number;
    socket: number;
  }[];
  /** In their lines' order. */
  readonly entries: readonly {
    session: string;
    ask: Ask;
    since: number;
    token: string | undefined;
    broken: boolean;
  }[];
  readonly tokens: readonly (readonly [key: string, token: string])[];
}

export function save(): Saved {
  return {
    sessions: [...sessions.values()].map((session) => session.saved()),
    entries: [...lines.values()].flatMap((entries) =>
      [...entries].map(({ session, ask, since, token, broken }) => {
        return { session: session.id, ask, since, token: token?.toString(), broken };
      }),
    ),
    tokens: [...tokens].map(([key, token]) => [key, String(token)]),
  };
}

/** Goes on where another server was; sessions whose time is over by now end. */
export function load(saved: Saved): void {
  for (const [key, token] of saved.tokens) tokens.set(key, BigInt(token));
  for (const { id, endsAt, socket, ...rest } of saved.sessions) {
    const session = new Session(id, rest);
    session.socket = socket;
    session.renew(endsAt);
  }
  for (const { session: id, ask, since, token, broken } of saved.entries) {
    const session = sessions.get(id);
    if (!session) continue;
    const entry = { ...enterable(session, ask), since, broken };
    entry.token = token === undefined ? undefined : BigInt(token);
    session.owned.set(ask.owner, entry);
    const key = keyOf(session.space, ask.name);
    lines.set(key, (lines.get(key) ?? new Set()).add(entry));
  }
  for (const { id } of saved.sessions) Session.find(id);
}

type How = "released" | "expired";

/** An owner in line for a name, or holding it. */
interface Entry {
  readonly session: Session;
  readonly ask: Ask;
  readonly gone: Promise<How>;
  readonly leave: (how: How) => void;
  since: number;
  token: bigint | undefined;
  broken: boolean;
}

const sessions = new Map<string, Session>();
const lines = new Map<string, Set<Entry>>();
// Kept for good, so that they grow for ever; and by the clock, so that they grow over a restart too.
const tokens = new Map<string, bigint>();

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const keyOf = (space: string, name: string): string => JSON.stringify([space, name]);
const isShared = ({ ask }: Entry): boolean => ask.mode === "shared";

function line(space: string, name: string): Entry[] {
  return [...(lines.get(keyOf(space, name)) ?? [])];
}

function holders(space: string, name: string): Entry[] {
  return line(space, name).filter(({ token }) => token !== undefined);
}

function enterable(session: Session, ask: Ask): Entry {
  let leave!: Entry["leave"];
  const gone = new Promise<How>((resolve) => (leave = resolve));
  return { session, ask, gone, leave, since: Date.now(), token: undefined, broken: false };
}

function enter(session: Session, ask: Ask): Entry {
  const entry = enterable(session, ask);
  session.owned.set(ask.owner, entry);
  const key = keyOf(session.space, ask.name);
  lines.set(key, (lines.get(key) ?? new Set()).add(entry));
  serve(key, entry);
  return entry;
}

function remove(entry: Entry, how: How): void {
  const { session, ask } = entry;
  const key = keyOf(session.space, ask.name);
  session.owned.delete(ask.owner);
  lines.get(key)?.delete(entry);
  if (lines.get(key)?.size === 0) lines.delete(key);
  entry.leave(how);
  serve(key);
}

/** Grants to those at the head of the line: one exclusive request, or neighbouring shared ones. */
function serve(key: string, asking?: Entry): void {
  let head: Entry | undefined;
  for (const entry of lines.get(key) ?? []) {
    head ??= entry;
    if (entry !== head && !(isShared(head) && isShared(entry))) return;
    if (entry.token !== undefined) continue;
    const micros = BigInt(Date.now()) * 1000n;
    const next = (tokens.get(key) ?? 0n) + 1n;
    entry.token = micros > next ? micros : next;
    entry.since = Date.now();
    tokens.set(key, entry.token);
    // Whoever is asking has its answer by the reply.
    if (entry !== asking) tell(entry, standing(entry));
  }
}

function tell({ session }: Entry, push: Push): void {
  session.tell(push);
}

function standing({ ask: { owner }, token, broken }: Entry): Standing {
  return token === undefined ? { owner } : { owner, token: String(token), broken };
}

function infoOf(entry: Entry): Info {
  const { ask, since, token } = entry;
  const { token: _, ...info } = { ...ask.info, since, shared: isShared(entry) };
  return token === undefined ? info : { ...info, token: String(token) };
}
