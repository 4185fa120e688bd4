import type { PrivateServerOptions } from "@coord/testkit/tools";

const durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/** A Redis server that keeps what it has when it is killed. */
export const redisServer: PrivateServerOptions = {
  command: "redis-server",
  args: ({ port, folder }) => ["--port", String(port), ...durable, "--dir", folder],
  ready: /Ready to accept connections/,
};
