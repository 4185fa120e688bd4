import { createHash } from "node:crypto";
import { Command, type Cluster, type Redis } from "ioredis";

/** A script, and by which hash a server knows it. */
export interface Script {
  readonly lua: string;
  readonly hash: string;
}

/** The script of this text. */
export function script(lua: string): Script {
  return { lua, hash: createHash("sha1").update(lua).digest("hex") };
}

/** Who asks. */
interface Asker {
  /** Whether somebody still waits for the answer. */
  readonly isWanted: (() => boolean) | undefined;
  /** Told of an error before whoever asked is. */
  readonly failed: (error: unknown) => void;
}

/**
 * Runs it: one round trip, and two where the server has not heard of it yet; then only if it is still
 * wanted, because what was asked meanwhile to take it back has been done before. Here and not by ioredis'
 * own scripts because those make a promise and a closure more for every call.
 */
export async function run(
  client: Redis | Cluster,
  { lua, hash }: Script,
  keys: readonly string[],
  args: readonly string[],
  { isWanted, failed }: Asker,
): Promise<unknown> {
  const count = String(keys.length);
  try {
    return await client.sendCommand(command("evalsha", [hash, count, ...keys, ...args]));
  } catch (error) {
    failed(error);
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    if (isWanted && !isWanted()) throw error;
  }
  try {
    return await client.sendCommand(command("eval", [lua, count, ...keys, ...args]));
  } catch (error) {
    failed(error);
    throw error;
  }
}

function command(name: string, args: string[]): Command {
  return new Command(name, args, { replyEncoding: "utf8" });
}
