import { postgres } from "@coord/postgres";
import { TcpProxy, type Subject } from "@coord/testkit";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { halves, sha256Key } from "../src/keys.js";
import { PostgresServer } from "./postgres-server.js";

/** What the kit needs, on a server that is there for as long as the tests of a file. */
export function postgresSubject(options: Subject["options"]): Subject {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return {
    driver: postgres,
    module: "@coord/postgres",
    url: () => server.url(),
    ...(options ? { options } : {}),
    faults: {
      revoke: async (url, name) => {
        await server.sql(`SELECT pg_terminate_backend(pid) FROM (${holdersOf(url, name)}) holders`);
      },
      revokeReason: "session",
      network: {
        proxied: async (url) => {
          const proxy = await TcpProxy.start({ port: server.port, requests: statements });
          onTestFinished(() => proxy[Symbol.asyncDispose]());
          return { url: proxy.through(url), proxy };
        },
        mutations: {
          acquire: (bytes) =>
            bytes.includes("EXECUTE coord_ask") || bytes.includes("EXECUTE coord_try"),
          release: (bytes) => bytes.includes("EXECUTE coord_release"),
        },
        server: {
          kill: () => server.kill(),
          start: ({ data }) => server.restart({ data }),
        },
      },
    },
  };
}

/** A query for the server's processes that hold a lock. */
export function holdersOf(url: string, name: string): string {
  const [classid, objid] = halves(keyOf(url, name));
  return `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid = ${classid} AND objid = ${objid}`;
}

/** The key of the lock itself. */
export function keyOf(url: string, name: string): bigint {
  return sha256Key(new URL(url).searchParams.get("namespace") ?? "coord", name);
}

/** Each is a message that begins with a Q and its length. */
const statements = () => (bytes: Buffer) =>
  bytes.toString("latin1").match(/Q\0[\s\S]{3}(?:EXECUTE|SELECT)/g)?.length ?? 0;
