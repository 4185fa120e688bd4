import type { Backend } from "../backend.js";

/** All backends that can be measured, each loaded when it is: the one place to add one to. */
const backends = {
  file: async () => (await import("./file.js")).file,
  memory: async () => (await import("./memory.js")).memory,
  redis: async () => (await import("./redis.js")).redis,
  etcd: async () => (await import("./etcd.js")).etcd,
  postgres: async () => (await import("./postgres.js")).postgres,
  zookeeper: async () => (await import("./zookeeper.js")).zookeeper,
} as const satisfies Readonly<Record<string, () => Promise<Backend>>>;

/** The name of one of them. */
export type BackendName = keyof typeof backends;

/** All names, in the order in which they are measured. */
export const backendNames = Object.keys(backends) as readonly BackendName[];

/** Loads a backend. */
export function backendOf(name: BackendName): Promise<Backend> {
  return backends[name]();
}

/** The name, if it is one of a backend. Throws for any other. */
export function backendName(name: string): BackendName {
  const found = backendNames.find((each) => each === name);
  if (found) return found;
  throw new Error(`there is no backend "${name}"; name some of ${backendNames.join(", ")}`);
}
