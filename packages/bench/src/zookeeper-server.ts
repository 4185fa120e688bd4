import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PrivateServerOptions } from "@coord/testkit/tools";

/** Where Debian has them; the first names the others that it needs. */
const jars = ["zookeeper", "slf4j-log4j12", "log4j-1.2"].map(
  (name) => `/usr/share/java/${name}.jar`,
);

const log = `
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c{1} %m%n
`;

/** How long its ticks are, in milliseconds: sessions live for two of them at least. */
const tickTime = 200;

/** A ZooKeeper server that keeps what it has when it is killed. @param java what its machine is told */
export function zookeeperServer(...java: readonly string[]): PrivateServerOptions {
  return {
    command: "/usr/bin/java",
    args: ({ port, folder }) => {
      const settings = {
        tickTime,
        maxSessionTimeout: 60_000,
        maxClientCnxns: 0,
        dataDir: join(folder, "data"),
        clientPort: port,
        clientPortAddress: "127.0.0.1",
        "admin.enableServer": false,
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
      mkdirSync(settings.dataDir, { recursive: true });
      writeFileSync(join(folder, "zoo.cfg"), lines.join("\n"));
      writeFileSync(join(folder, "log4j.properties"), log);
      const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
      const path = [folder, ...jars].join(":");
      return ["-Xmx256m", "-XX:+UseSerialGC", ...java, "-cp", path, main, join(folder, "zoo.cfg")];
    },
    ready: /ContainerManager Using/,
  };
}
