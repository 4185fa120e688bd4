import { connect } from "@coord/core";
import { redis } from "@coord/redis";
import { onTestFinished } from "vitest";
import type { RedisSession } from "../src/session.js";

type Place = Parameters<typeof redis.open>[0];
type Context = Parameters<typeof redis.open>[1];
type Request = Parameters<RedisSession["acquire"]>[0];

/** Opens one that beats only when a test has it beat; `previous` is the one before it, of the same coordinator. */
type Open = (previous?: RedisSession) => Promise<RedisSession>;

/** What opens sessions at this URL. */
export async function openerOf(url: string, ttl = 20_000): Promise<Open> {
  let place: Place | undefined;
  let context: Context | undefined;
  const coordinator = await connect(url, {
    drivers: [
      {
        ...redis,
        open: (given: Place, by: Context) => {
          [place, context] = [given, by];
          return redis.open(given, by);
        },
      },
    ],
    ttl,
  });
  onTestFinished(() => coordinator.stop());
  return async (previous) => {
    if (!place || !context) throw new Error("No session was opened.");
    const leftBy = previous === undefined ? {} : { previous: previous.id };
    const session = await redis.open(place, { ...context, ...leftBy });
    // Where its lease is over, what is left cannot be given back.
    onTestFinished(() => session.close(AbortSignal.abort()).catch(() => {}));
    return session as RedisSession;
  };
}

/** What core would ask, for good: nobody gives it up. */
export function request(name: string, owner: string, more: Partial<Request> = {}): Request {
  const { signal } = new AbortController();
  const onAbort = (): (() => void) => () => {};
  const info = { member: owner };
  return { name, owner, mode: "exclusive", wait: true, signal, onAbort, info, ...more };
}
