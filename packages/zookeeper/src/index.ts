import { CoordError, register, type Driver, type Traits } from "@coord/core/driver";
import { connectByJavaScript } from "./connection/javascript.js";
import { connectByNative } from "./connection/native.js";
import { targetOf } from "./connection/target.js";
import { options } from "./options.js";
import { Paths } from "./paths.js";
import { ZooKeeperSession } from "./session.js";

/**
 * A ZooKeeper server or ensemble, `zookeeper://[user:password@]host[:port][,host[:port]][/chroot]`;
 * `kazoo:` is the same, for a namespace that programs with kazoo use too.
 */
export const zookeeper: Driver<typeof options> = {
  name: "zookeeper",
  schemes: ["zookeeper", "kazoo"],
  options,
  open: async (url, context) => {
    const { timeout, namespace = "coord", keep_parents: keepParents } = url.options;
    const target = targetOf(url);
    const isNative = url.options.client === "native";
    const place = {
      connector: isNative ? await connectByNative(target) : connectByJavaScript(target),
      paths: new Paths(rootOf(url.path), namespace),
      traitsOf,
      keepParents: keepParents ?? url.scheme === "kazoo",
    };
    return ZooKeeperSession.open(place, { ...context, ttl: timeout ?? context.ttl });
  },
};

/** A chroot, as ZooKeeper takes it. */
function rootOf(path: string): string {
  const root = path.replace(/\/$/, "");
  const parts = root.split("/").slice(1);
  const isSound = parts.every(
    (part) => !/^(\.{0,2}|zookeeper)$/.test(part) && !/\p{C}/u.test(part),
  );
  if (root === "" || (root.startsWith("/") && isSound)) return root;
  throw new CoordError(
    "COORD_BAD_URL",
    "The path of a ZooKeeper URL is the node under which all others are, as in zookeeper://host/app. Write one that ZooKeeper allows.",
  );
}

function traitsOf(timeout: number): Traits {
  return {
    reach: "network",
    liveness: "session",
    // Servers end sessions at their next tick, and a timeout is of two ticks at least.
    crashReleaseMs: timeout * 1.25 + 100,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "the number of the change that made the holder's node (czxid)",
    tokenSurvives: { dataLoss: false, failover: true, clockStep: true },
    wake: "watch",
    holderInfo: ["member", "host", "pid", "since", "token", "shared"],
    revocable: ["break", "removal", "revocation", "dataLoss"],
  };
}

register(zookeeper);
