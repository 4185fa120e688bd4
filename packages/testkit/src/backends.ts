// Read by vitest.workspace.ts too, as a source: it can import nothing that has to be built first.

/** Something that has to be on the machine to test a backend. */
export interface Need {
  /** A program's name, looked up on PATH, or the absolute path of any file. */
  readonly find: string;
  /** The Debian package that brings it. */
  readonly package: string;
}

/** A backend that this repository tests, named as its folder in `packages`. */
export interface Backend {
  readonly name: string;
  readonly needs: readonly Need[];
}

/** What the kit itself needs, for any backend: a wall clock that can be set, a cable that can be pulled. */
const ofTheKit: readonly Need[] = [
  { find: "faketime", package: "faketime" },
  { find: "ip", package: "iproute2" },
];

/** All of them: the one place to add a backend, and what its tests need, to. */
export const backends: readonly Backend[] = [
  {
    name: "file",
    needs: [...ofTheKit, { find: "/usr/bin/python3", package: "python3" }],
  },
  {
    name: "etcd",
    needs: [
      { find: "etcd", package: "etcd-server" },
      { find: "etcdctl", package: "etcd-client" },
      { find: "openssl", package: "openssl" },
    ],
  },
  {
    name: "redis",
    needs: [
      { find: "redis-server", package: "redis-server" },
      { find: "redis-cli", package: "redis-tools" },
      { find: "openssl", package: "openssl" },
    ],
  },
  {
    name: "postgres",
    needs: [
      { find: "postgres", package: "postgresql" },
      { find: "initdb", package: "postgresql" },
      { find: "pgbouncer", package: "pgbouncer" },
      { find: "setpriv", package: "util-linux" },
      { find: "openssl", package: "openssl" },
    ],
  },
  {
    name: "zookeeper",
    needs: [
      { find: "/usr/bin/java", package: "default-jre-headless" },
      { find: "/usr/share/java/zookeeper.jar", package: "zookeeper" },
      { find: "/usr/lib/python3/dist-packages/kazoo/client.py", package: "python3-kazoo" },
      { find: "g++", package: "g++" },
      { find: "make", package: "make" },
      { find: "openssl", package: "openssl" },
    ],
  },
];

/**
 * Those of `all` that are to be tested.
 * @param only the value of COORD_TEST_ONLY: names with commas between; all if empty or undefined
 * @throws for a name that none of them has
 */
export function chosen(all: readonly Backend[], only: string | undefined): readonly Backend[] {
  const wanted = (only ?? "").split(",").flatMap((name) => name.trim() || []);
  if (wanted.length === 0) return all;
  const known = all.map(({ name }) => name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `COORD_TEST_ONLY names no backend by ${unknown.map((name) => JSON.stringify(name)).join(", ")}. Use one or more of: ${known.join(",")}`,
    );
  }
  return all.filter(({ name }) => wanted.includes(name));
}
