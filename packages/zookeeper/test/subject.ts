import { zookeeper } from "@coord/zookeeper";
import { TcpProxy, type Subject } from "@coord/testkit";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { contendersOf } from "../src/paths.js";
import { Administrator } from "./administrator.js";
import { ZooKeeperServer } from "./zookeeper-server.js";

/** What the kit needs, on a server that is there for as long as the tests of a file. */
export function zookeeperSubject(options: Subject["options"], urlOptions = ""): Subject {
  let server: ZooKeeperServer;
  beforeAll(async () => {
    server = await ZooKeeperServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return {
    driver: zookeeper,
    module: "@coord/zookeeper",
    url: () => server.url(urlOptions),
    ...(options ? { options } : {}),
    faults: {
      revoke: async (url, name) => {
        using administrator = await Administrator.connect(server.port);
        const folder = folderOf(url, name);
        const [first] = contendersOf(await administrator.children(folder));
        if (first) await administrator.delete(`${folder}/${first.node}`);
      },
      network: {
        proxied: async (url) => {
          const proxy = await TcpProxy.start({ port: server.port });
          onTestFinished(() => proxy[Symbol.asyncDispose]());
          return { url: proxy.through(url), proxy };
        },
        mutations: {
          acquire: asks(1, "__lock__"),
          release: asks(2, "__lock__"),
          renew: asks(3, "/"),
        },
        server: {
          kill: () => server.kill(),
          start: ({ data }) => server.restart({ data }),
        },
      },
    },
  };
}

/** The node under which those of a lock are. */
export function folderOf(url: string, name: string): string {
  return `/${new URL(url).searchParams.get("namespace")}/locks/${name}`;
}

/** Whether a call of this number, for a path that ends so or has that in it, is among the bytes. */
export function asks(call: number, part: string): (bytes: Buffer) => boolean {
  const number = Buffer.from([0, 0, 0, call]);
  return (bytes) => {
    for (let at = bytes.indexOf(number); at >= 0; at = bytes.indexOf(number, at + 1)) {
      if (bytes.length < at + 8) continue;
      const length = bytes.readInt32BE(at + 4);
      const path = bytes.toString("latin1", at + 8, at + 8 + length);
      const isPath = length > 0 && length < 1_000 && path.startsWith("/");
      if (isPath && (part === "/" ? path === part : path.includes(part))) return true;
    }
    return false;
  };
}
