import type { Backend } from "../backend.js";
import { etcd } from "./etcd.js";
import { file } from "./file.js";
import { memory } from "./memory.js";
import { redis } from "./redis.js";
import { zookeeper } from "./zookeeper.js";

/** All backends that can be measured: the one place to add one to. */
export const backends: readonly Backend[] = [file, memory, redis, etcd, zookeeper];

/** The backend of a name. Throws for one that there is not. */
export function backendOf(name: string): Backend {
  const backend = backends.find((each) => each.name === name);
  if (backend) return backend;
  const known = backends.map((each) => each.name).join(", ");
  throw new Error(`there is no backend "${name}"; name some of ${known}`);
}
