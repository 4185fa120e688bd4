/** What sessions say to each other. Whoever may connect to the database can say anything on their channels. */
export type Message =
  /** Somebody gave a lock back: who has this place is next, `g` who has the gate, `*` anybody. */
  | { readonly kind: "wake"; readonly key: bigint; readonly whom: string }
  /** Somebody wants a lock from those whom these processes of the server serve, whatever its token is or of this one. */
  | {
      readonly kind: "break";
      readonly key: bigint;
      readonly token: bigint | undefined;
      readonly id: string;
      readonly backends: readonly number[];
    }
  /** The answer to that: given back, or it was not this token's. */
  | {
      readonly kind: "answer";
      readonly id: string;
      readonly backend: number;
      readonly isGiven: boolean;
    };

const wake = /^w (-?\d{1,19}) (\*|g|\d{1,2})$/;
const breaks = /^b (-?\d{1,19}) (-|\d{1,19}) ([0-9a-f-]{36}) (\d{1,10}(?:,\d{1,10})*)$/;
const answer = /^r ([0-9a-f-]{36}) (\d{1,10}) ([yn])$/;

/** Reads what was said; undefined for what no session of ours says. */
export function messageIn(text: string): Message | undefined {
  const [, woken, whom = ""] = wake.exec(text) ?? [];
  if (woken !== undefined) return { kind: "wake", key: BigInt(woken), whom };
  const [, key, token, id = "", backends = ""] = breaks.exec(text) ?? [];
  if (key !== undefined && token !== undefined) {
    return {
      kind: "break",
      key: BigInt(key),
      token: token === "-" ? undefined : BigInt(token),
      id,
      backends: backends.split(",").map(Number),
    };
  }
  const [, asked, backend, word] = answer.exec(text) ?? [];
  if (asked === undefined) return undefined;
  return { kind: "answer", id: asked, backend: Number(backend), isGiven: word === "y" };
}
