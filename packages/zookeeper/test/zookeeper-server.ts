import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, PrivateServer } from "@coord/testkit/tools";

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
const java = ["/usr/bin/java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

const log = `
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c{1} %m%n
`;

type Settings = Readonly<Record<string, string | number | boolean>>;

/** What is common to all of them. */
const usual: Settings = {
  tickTime: 100,
  maxSessionTimeout: 60_000,
  maxClientCnxns: 0,
  "admin.enableServer": false,
  "4lw.commands.whitelist": "*",
};

interface Where {
  /** Its number among several. */
  readonly number?: number;
  /** What it is started by, as the inside of a cable. */
  readonly inside?: readonly string[];
}

/** A ZooKeeper server of a test's own, which keeps what it has when it is killed. */
export class ZooKeeperServer implements AsyncDisposable {
  readonly #server: PrivateServer;

  static async start(
    settings: Settings = {},
    { number, inside = [] }: Where = {},
  ): Promise<ZooKeeperServer> {
    const [command = "", ...first] = [...inside, ...java];
    const server = await PrivateServer.start({
      command,
      args: ({ port, folder }) => {
        const dataDir = join(folder, "data");
        const own = { dataDir, clientPort: port, clientPortAddress: "127.0.0.1" };
        const lines = Object.entries({ ...usual, ...own, ...settings });
        const file = join(folder, "zoo.cfg");
        writeFileSync(file, lines.map(([name, value]) => `${name}=${value}`).join("\n"));
        writeFileSync(join(folder, "log4j.properties"), log);
        mkdirSync(dataDir, { recursive: true });
        if (number !== undefined) writeFileSync(join(dataDir, "myid"), String(number));
        return [...first, "-cp", [folder, ...jars].join(":"), main, file];
      },
      ready:
        number === undefined
          ? /ContainerManager Using/
          : /Peer state changed: \w+ - broadcast|ContainerManager Using/,
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

/** Several servers that agree by majority, numbered from 1. Of those that have the same data the last one leads. */
export async function startEnsemble(
  places: readonly (Where & { readonly host: string })[],
  settings: Settings = {},
): Promise<ZooKeeperServer[]> {
  const members: Record<string, string> = {};
  for (const [index, { host }] of places.entries()) {
    members[`server.${index + 1}`] = `${host}:${await freePort()}:${await freePort()}`;
  }
  const common = { initLimit: 100, syncLimit: 20, ...members, ...settings };
  return Promise.all(
    places.map((place, index) => ZooKeeperServer.start(common, { ...place, number: index + 1 })),
  );
}
