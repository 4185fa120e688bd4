import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PrivateServer } from "@coord/testkit/tools";

/** Where Debian has them. The first names most of the others that it needs, but not those for TLS. */
const jars = [
  "zookeeper",
  "slf4j-log4j12",
  "log4j-1.2",
  "netty-codec",
  "netty-resolver",
  "netty-transport-native-unix-common",
].map((name) => `/usr/share/java/${name}.jar`);
// Small and soon there: it lives for a minute.
const java = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

const log = `
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c{1} %m%n
`;

/** What is common to all of them. */
const settings = {
  tickTime: 100,
  maxSessionTimeout: 60_000,
  maxClientCnxns: 0,
  "admin.enableServer": false,
  "4lw.commands.whitelist": "*",
};

/** A ZooKeeper server of a test's own, which keeps what it has when it is killed. */
export class ZooKeeperServer implements AsyncDisposable {
  readonly #server: PrivateServer;

  static async start(
    more: Readonly<Record<string, string | number | boolean>> = {},
    { properties = [] }: { properties?: readonly string[] } = {},
  ): Promise<ZooKeeperServer> {
    const server = await PrivateServer.start({
      command: "/usr/bin/java",
      args: ({ port, folder }) => {
        const own = {
          dataDir: join(folder, "data"),
          clientPort: port,
          clientPortAddress: "127.0.0.1",
        };
        const lines = Object.entries({ ...settings, ...own, ...more });
        const file = join(folder, "zoo.cfg");
        writeFileSync(file, lines.map(([name, value]) => `${name}=${value}`).join("\n"));
        writeFileSync(join(folder, "log4j.properties"), log);
        const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
        return [...java, ...properties, "-cp", [folder, ...jars].join(":"), main, file];
      },
      ready: /ContainerManager Using/,
    });
    return new ZooKeeperServer(server);
  }

  private constructor(server: PrivateServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  /** A URL with a namespace that nobody uses yet. */
  url(options = ""): string {
    return `zookeeper://127.0.0.1:${this.port}?namespace=${crypto.randomUUID()}${options}`;
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Starts it again, with the data it had when it was killed, or without. */
  async restart({ data = true }: { data?: boolean } = {}): Promise<void> {
    if (!data) rmSync(join(this.#server.folder, "data"), { recursive: true, force: true });
    await this.#server.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
