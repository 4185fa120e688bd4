import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Cable, freePort, PrivateServer } from "@coord/testkit/tools";
import { Etcd3 } from "etcd3";

interface Member {
  readonly name: string;
  readonly host: string;
  readonly server: PrivateServer;
}

/** Three members; the last one at the far end of a cable, where the machine allows it. */
export class EtcdCluster implements AsyncDisposable {
  readonly members: readonly Member[];
  readonly #ways: Ways | undefined;

  static async start(ways?: Ways): Promise<EtcdCluster> {
    const names = ["one", "two", "three"];
    const ports = await Promise.all(names.map(() => freePort()));
    const hostsOf = names.map((name) => {
      if (!ways) return { client: "127.0.0.1", peer: "127.0.0.1" };
      return name === "three"
        ? { client: ways.client, peer: ways.far }
        : { client: "127.0.0.1", peer: ways.near };
    });
    const peers = names.map((_, index) => `http://${hostsOf[index]?.peer}:${ports[index]}`);
    const all = names.map((name, index) => `${name}=${peers[index]}`).join();
    const members = await Promise.all(
      names.map(async (name, index) => {
        const { client: host = "" } = hostsOf[index] ?? {};
        const inside = name === "three" ? (ways?.inside ?? []) : [];
        const [command, ...before] = [...inside, "etcd"] as const;
        const server = await PrivateServer.start({
          command,
          args: ({ port, folder }) => {
            const settings = {
              name,
              "data-dir": join(folder, "data"),
              "heartbeat-interval": 50,
              "election-timeout": 500,
              logger: "zap",
              "log-outputs": "stdout",
              "listen-client-urls": `http://${host}:${port}`,
              "advertise-client-urls": `http://${host}:${port}`,
              "listen-peer-urls": peers[index],
              "initial-advertise-peer-urls": peers[index],
              "initial-cluster": all,
            };
            return [
              ...before,
              ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
            ];
          },
          ready: /serving client traffic/,
        });
        return { name, host, server };
      }),
    );
    return new EtcdCluster(members, ways);
  }

  private constructor(members: readonly Member[], ways: Ways | undefined) {
    this.members = members;
    this.#ways = ways;
  }

  /** With the members of these numbers, in this order. */
  url(namespace: string, order: readonly number[] = [0, 1, 2]): string {
    const hosts = order.map((index) => this.#address(index));
    return `etcd://${hosts.join()}?namespace=${namespace}`;
  }

  /** The number of the member that leads. */
  async leader(): Promise<number> {
    const statuses = await Promise.all(
      this.members.map(async (_, index) => {
        const client = new Etcd3({ hosts: this.#address(index) });
        const { header, leader } = await client.maintenance.status();
        client.close();
        return header.member_id === leader;
      }),
    );
    return statuses.indexOf(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.members) await server[Symbol.asyncDispose]();
    this.#ways?.[Symbol.dispose]();
  }

  #address(index: number): string {
    const { host = "", server } = this.members[index] ?? {};
    return `${host}:${server?.port}`;
  }
}

/** Two ways to another network namespace: a cable for members, which can be pulled, and one for clients. */
export class Ways implements Disposable {
  readonly cable = new Cable();
  /** The addresses of the cable's two ends. */
  readonly near = this.cable.host;
  readonly far = after(this.near);
  /** Where clients find what is at the far end, whatever becomes of the cable. */
  readonly client: string;
  readonly inside = this.cable.inside;

  constructor() {
    const namespace = this.inside.at(-1) ?? "";
    const here = `cl${process.pid % 10_000_000}`;
    const near = `10.207.${process.pid & 255}.1`;
    this.client = after(near);
    const far = ["-n", namespace];
    ip("link", "add", here, "type", "veth", "peer", "name", "client", "netns", namespace);
    ip("address", "add", `${near}/30`, "dev", here);
    ip("link", "set", here, "up");
    ip(...far, "address", "add", `${this.client}/30`, "dev", "client");
    ip(...far, "link", "set", "client", "up");
  }

  [Symbol.dispose](): void {
    // The other way ends with the namespace.
    this.cable[Symbol.dispose]();
  }
}

function after(address: string): string {
  return address.replace(/\d+$/, (last) => String(Number(last) + 1));
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}
