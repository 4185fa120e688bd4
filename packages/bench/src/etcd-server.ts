import { join } from "node:path";
import type { PrivateServerOptions } from "@coord/testkit/tools";

const peer = "http://127.0.0.1:0";

/** One member alone, whose leases can be a second long: by default etcd takes nothing below two. */
export const etcdServer: PrivateServerOptions = {
  command: "etcd",
  args: ({ port, folder }) => {
    const client = `http://127.0.0.1:${port}`;
    const settings = {
      "data-dir": join(folder, "data"),
      "heartbeat-interval": 50,
      "election-timeout": 500,
      logger: "zap",
      "log-outputs": "stdout",
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `default=${peer}`,
    };
    return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  },
  ready: /serving client traffic/,
};
