import {
  CoordError,
  register,
  type Driver,
  type SessionContext,
  type Traits,
} from "@coord/core/driver";
import type { Cluster, Redis } from "ioredis";
import { connectLike, connectTo, type Connect } from "./connection/connect.js";
import { targetOf, type RedisUrl } from "./connection/target.js";
import { Keys } from "./keys.js";
import { options } from "./options.js";
import { RedisSession } from "./session.js";

type RedisDriver = Driver<typeof options>;

/**
 * A Redis server, `redis://[user:password@]host[:port][/db]` or `redis:///path/to.sock`; by TLS,
 * `rediss:`; one that Sentinels name, `redis+sentinel://host,host?sentinel=name`; a Cluster,
 * `redis+cluster://host,host`.
 */
export const redis: RedisDriver & {
  /**
   * A driver for `drivers` that connects to where a client of ioredis is connected to. That client
   * is only copied: it is neither used nor closed.
   */
  from(client: Redis | Cluster): RedisDriver;
} = {
  ...driverBy((url) => connectTo(targetOf(url))),
  from: (client) =>
    driverBy((url) => {
      refuseWhere(url);
      return connectLike(client);
    }),
};

function driverBy(connectionsOf: (url: RedisUrl) => Connect): RedisDriver {
  return {
    name: "redis",
    schemes: ["redis", "rediss", "redis+sentinel", "redis+cluster"],
    options,
    open: async (url, context) => openSession(url, connectionsOf(url), context),
  };
}

/** A client of the user's says where the server is and how to get there; a URL cannot say it again. */
function refuseWhere({ hosts, path, username, password, options: given }: RedisUrl): void {
  if (hosts.length > 0 || path !== "" || username !== undefined || password !== undefined) {
    throw new CoordError(
      "COORD_BAD_URL",
      "The client given to redis.from() says where the server is. Leave host and path out, as in redis:?namespace=app.",
    );
  }
  const where = Object.keys(given).filter((name) => /^(db$|ssl|sentinel)/.test(name));
  if (where.length === 0) return;
  throw new CoordError(
    "COORD_BAD_OPTION",
    `The client given to redis.from() says how to get to the server. Leave ${where.join(", ")} out of the URL, and give it to the client.`,
  );
}

function openSession(
  url: RedisUrl,
  connect: Connect,
  context: SessionContext,
): Promise<RedisSession> {
  const { lock_timeout: lockTimeout, timeout, namespace = "coord" } = url.options;
  const ttl = lockTimeout ?? timeout ?? context.ttl;
  const restartDelay = url.options.restart_delay ?? false;
  if (restartDelay && connect.ofCluster) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      "restart_delay is for one server, or for what Sentinels name: a node of a Cluster that comes back is not noticed. Leave it out.",
    );
  }
  const within = url.options.socket_timeout ?? Math.min(ttl / 4, 2_000);
  const place = {
    connect,
    keys: new Keys(namespace),
    traits: traitsOf(ttl),
    within,
    connectWithin: url.options.socket_connect_timeout,
    restartDelay,
  };
  return RedisSession.open(place, { ...context, ttl });
}

/** What is promised, on any topology. */
function traitsOf(ttl: number): Traits {
  return {
    reach: "network",
    liveness: "lease",
    // A whole ttl after one who dies right after a beat, and then it has to be said.
    crashReleaseMs: ttl + 100,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "microseconds of the server's clock, or the last token + 1 where that is greater",
    tokenSurvives: { dataLoss: true, failover: true, clockStep: true },
    wake: "push+recheck",
    holderInfo: ["member", "host", "pid", "since", "token", "shared"],
    revocable: ["break", "removal", "dataLoss", "failover"],
  };
}

register(redis);
