import { register, type Driver } from "@coord/core/driver";
import { targetOf } from "./connection/target.js";
import { Keys } from "./keys.js";
import { options } from "./options.js";
import { EtcdSession } from "./session.js";

/**
 * An etcd by its gRPC API, version 3: `etcd://[user:password@]host[:port][,host[:port]…]`; by TLS,
 * `etcds:`. Tooz's `etcd3+http:` and `etcd3+https:` are the same.
 */
export const etcd: Driver<typeof options> = {
  name: "etcd",
  schemes: ["etcd", "etcds", "etcd3+http", "etcd3+https"],
  options,
  open: async (url, context) => {
    const { lock_timeout: lockTimeout, timeout, namespace = "coord" } = url.options;
    const ttl = lockTimeout ?? timeout ?? context.ttl;
    const within = url.options.request_timeout ?? Math.min(ttl / 4, 2_000);
    const place = {
      target: targetOf(url),
      keys: new Keys(namespace),
      within,
      // A password takes etcd a tenth of a second, a client's first call as long.
      connectWithin: url.options.connect_timeout ?? Math.max(within, 1_000),
    };
    return EtcdSession.open(place, { ...context, ttl });
  },
};

register(etcd);
