import { etcd } from "@coord/etcd";
import { TcpProxy, type Subject } from "@coord/testkit";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { EtcdServer } from "./etcd-server.js";

/** What the kit needs, on a server that is there for as long as the tests of a file. */
export function etcdSubject(options: Subject["options"]): Subject {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await EtcdServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return {
    driver: etcd,
    module: "@coord/etcd",
    url: () => server.url(),
    ...(options ? { options } : {}),
    faults: {
      revoke: async (url, name) => {
        const [first] = await server.client
          .getAll()
          .prefix(lineOf(url, name))
          .sort("Create", "Ascend")
          .limit(1)
          .keys();
        if (first !== undefined) await server.client.delete().key(first);
      },
      network: {
        proxied: async (url) => {
          const proxy = await TcpProxy.start({ port: server.port });
          onTestFinished(() => proxy[Symbol.asyncDispose]());
          return { url: proxy.through(url), proxy };
        },
        mutations: {
          acquire: sends(enter),
          release: sends(leave),
          renew: sends(keepAlive),
        },
        server: {
          kill: () => server.kill(),
          start: ({ data }) => server.restart({ data }),
        },
      },
    },
  };
}

/** What the keys of those begin with who hold a lock or wait for it. */
export function lineOf(url: string, name: string): string {
  const line = name.replaceAll("%", "%25").replaceAll("/", "%2f");
  return `${new URL(url).searchParams.get("namespace")}/locks/${line}/`;
}

// Paths are named only once on a connection, so requests are known by what they ask for: messages of
// protocol buffers, of which each part begins with its number and kind in one byte, and its length.
const lineKey = String.raw`[\da-f-]{36}/locks/`;
/** Looks that the session's key and its own are as they should be. */
const enter = new RegExp(String.raw`/sessions/\d+[^]{1,30}${lineKey}`);
/** Looks first that its own key is as it should be: only who deletes it does. */
const leave = new RegExp(String.raw`\0\0\0\0.\x0a[^]{1,8}\x1a[^]${lineKey}`, "s");
/** A message of nothing but a lease's id. */
const keepAlive = new RegExp(String.raw`\0\0\0\0[\x09-\x0b]\x08[\x80-\xff]{7,9}[\0-\x7f]`);

function sends(what: RegExp): (bytes: Buffer) => boolean {
  return (bytes) => what.test(bytes.toString("latin1"));
}
