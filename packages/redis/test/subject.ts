import { redis } from "@coord/redis";
import { TcpProxy, type Subject } from "@coord/testkit";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { scripts } from "../src/scripts.js";
import { RedisServer } from "./redis-server.js";

/** What the kit needs, on a server that is there for as long as the tests of a file. */
export function redisSubject(options: Subject["options"]): Subject {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return {
    driver: redis,
    module: "@coord/redis",
    url: () => server.url(),
    ...(options ? { options } : {}),
    faults: {
      revoke: async (url, name) => {
        await server.client.del(keyOf(url, name));
      },
      network: {
        proxied: async (url) => {
          const proxy = await TcpProxy.start({ port: server.port, requests: commands });
          onTestFinished(() => proxy[Symbol.asyncDispose]());
          return { url: proxy.through(url), proxy };
        },
        mutations: {
          acquire: calls("acquire"),
          release: calls("release"),
          renew: calls("renew"),
        },
        server: {
          kill: () => server.kill(),
          start: ({ data }) => server.restart({ data }),
        },
      },
    },
  };
}

/** The key of the lock itself. */
export function keyOf(url: string, name: string): string {
  return `${new URL(url).searchParams.get("namespace")}:{${name}}`;
}

/** Requests are arrays; one that goes on in the next part is counted where it begins. */
const commands = () => (bytes: Buffer) =>
  bytes.toString("latin1").match(/^\*\d+\r$/gm)?.length ?? 0;

/** Whether the script is called, by its hash or, the first time, by its text. */
export function calls(name: keyof typeof scripts): (bytes: Buffer) => boolean {
  const { lua, hash } = scripts[name];
  return (bytes) => bytes.includes(hash) || bytes.includes(lua);
}
