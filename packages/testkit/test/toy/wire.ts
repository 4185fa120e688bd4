/**
 * What goes over the wire between the toy's driver and its server: lines of JSON. The driver asks, and
 * the answer to a request has its id; what the server says unasked has none. JSON has no bigint and no
 * Date, so tokens are strings and instants milliseconds since 1970.
 */
import type { Readable } from "node:stream";
import type { HolderInfo, LossReason, Mode } from "@coord/core/driver";

/** What can be asked, and what is answered. */
export interface Operations {
  /** Opens a session and ends an earlier one of the same client, if that is still there. */
  open: { ask: { space: string; ttl: number; previous?: string }; answer: object };
  /** Renews the session; says all that it holds and waits for. */
  beat: { ask: object; answer: { owned: Standing[] } };
  /** Once for each owner: asked again, it answers how that one stands. `wait` false: out of line again if busy. */
  acquire: { ask: Ask; answer: Standing | { busy: Info[] } };
  /** Takes an owner out of line, or its lock from it; `gone` when there was no such owner. */
  release: { ask: { owner: string }; answer: { how: "released" | "gone" } };
  inspect: { ask: { name: string }; answer: { holders: Info[]; waiters: Info[] } };
  /** Answers when those who held it are gone: without `force`, when they gave back or their time ran out. */
  break: { ask: { name: string; token?: string; force: boolean }; answer: Broken };
  /** Ends the session and all that it holds and waits for. */
  close: { ask: object; answer: object };
}

export type Operation = keyof Operations;

/** A request. The server takes none from a socket that is not the newest of its session. */
export interface Request<Op extends Operation = Operation> {
  readonly id: number;
  readonly session: string;
  /** Which of the session's sockets this comes by: 1, 2, ... */
  readonly socket: number;
  readonly op: Op;
  readonly ask: Operations[Op]["ask"];
}

/** The answer to a request; without one when the server does not have the session, or no longer. */
export interface Reply<Op extends Operation = Operation> {
  readonly id: number;
  readonly answer?: Operations[Op]["answer"];
}

/** What the server says unasked: somebody was granted what it waited for, or lost what it held. */
export type Push = Standing | { readonly owner: string; readonly lost: LossReason };

export interface Ask {
  readonly owner: string;
  readonly name: string;
  readonly mode: Mode;
  readonly wait: boolean;
  readonly info: HolderInfo;
}

/** How an owner stands: it waits, or holds with a token, or should give back because of a break. */
export interface Standing {
  readonly owner: string;
  readonly token?: string;
  readonly broken?: boolean;
}

export interface Broken {
  readonly outcome: "released" | "expired" | "forced" | "free";
  readonly holders: Info[];
}

export type Info = Omit<HolderInfo, "since" | "token"> & { since: number; token?: string };

/** Calls `take` for each line that comes. Only "\n" ends one: JSON may contain what else looks like an end. */
export function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
